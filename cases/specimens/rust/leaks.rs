// SPDX-License-Identifier: Apache-2.0
// Diseases of Rust programs and their healthy twins: `leaks DISEASE [healthy]`.
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::mem::forget;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

#[inline(never)]
fn read_settings(healthy: bool) {
    let file = File::open("/etc/passwd").expect("open");
    if !healthy {
        forget(file);
    }
}

#[inline(never)]
fn serve_one(listener: &TcpListener, healthy: bool) {
    let (stream, _) = listener.accept().expect("accept");
    if !healthy {
        forget(stream);
    }
}

#[inline(never)]
fn open_valid(turn: u32, healthy: bool) -> Result<(), Error> {
    let file = File::open("/etc/hostname").expect("open");
    if turn % 3 == 0 {
        if !healthy {
            forget(file);
        }
        return Err(Error::from(ErrorKind::InvalidData));
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let healthy = words.get(2).map_or(false, |word| word == "healthy");
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("address");
    for turn in 0..900 {
        match words[1].as_str() {
            "file" => read_settings(healthy),
            "accept" => {
                let client = TcpStream::connect(address).expect("connect");
                serve_one(&listener, healthy);
                drop(client);
            }
            "error-path" => {
                let _ = open_valid(turn, healthy);
            }
            _ => std::process::exit(2),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    loop {
        std::thread::park();
    }
}
