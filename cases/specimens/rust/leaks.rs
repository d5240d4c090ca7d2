// SPDX-License-Identifier: Apache-2.0
// Diseases of Rust programs and their healthy twins: `leaks DISEASE [healthy]`. What std has no
// words for (eventfd, epoll, inotify, received descriptors) is asked of the C library, as crates do.
use std::ffi::c_void;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::mem::forget;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::io::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

mod c {
    use std::ffi::c_void;

    #[repr(C)]
    pub struct Part {
        pub base: *mut c_void,
        pub length: usize,
    }

    // struct msghdr of 64-bit Linux
    #[repr(C)]
    pub struct Message {
        pub name: *mut c_void,
        pub name_length: u32,
        pub parts: *mut Part,
        pub part_count: usize,
        pub control: *mut c_void,
        pub control_length: usize,
        pub flags: i32,
    }

    // struct cmsghdr with room for one descriptor
    #[repr(C)]
    pub struct Control {
        pub length: usize,
        pub level: i32,
        pub kind: i32,
        pub fd: i32,
        pub padding: i32,
    }

    pub const CONTROL_LENGTH: usize = 20; // CMSG_LEN(sizeof(int))
    pub const CLOEXEC: i32 = 0x80000; // of eventfd, epoll_create1 and inotify_init1
    pub const MSG_CMSG_CLOEXEC: i32 = 0x40000000;

    extern "C" {
        pub fn eventfd(start: u32, flags: i32) -> i32;
        pub fn epoll_create1(flags: i32) -> i32;
        pub fn inotify_init1(flags: i32) -> i32;
        pub fn sendmsg(fd: i32, message: *const Message, flags: i32) -> isize;
        pub fn recvmsg(fd: i32, message: *mut Message, flags: i32) -> isize;
    }
}

struct Ward {
    healthy: bool,
}

impl Ward {
    fn done_with<T>(&self, thing: T) {
        if !self.healthy {
            forget(thing);
        }
    }
    fn done_with_number(&self, fd: i32) {
        assert!(fd >= 0);
        self.done_with(unsafe { File::from_raw_fd(fd) });
    }
}

#[inline(never)]
fn read_settings(ward: &Ward) {
    ward.done_with(File::open("/etc/passwd").expect("open"));
}

#[inline(never)]
fn ask_server(address: SocketAddr, ward: &Ward) {
    ward.done_with(TcpStream::connect(address).expect("connect"));
}

#[inline(never)]
fn serve_one(listener: &TcpListener, ward: &Ward) {
    ward.done_with(listener.accept().expect("accept").0);
}

#[inline(never)]
fn start_worker(ward: &Ward) {
    let mut child = Command::new("true").stdout(Stdio::piped()).spawn().expect("spawn");
    ward.done_with(child.stdout.take());
    child.wait().expect("wait");
}

#[inline(never)]
fn make_signal(ward: &Ward) {
    ward.done_with_number(unsafe { c::eventfd(0, c::CLOEXEC) });
}

#[inline(never)]
fn watch_one(ward: &Ward) {
    ward.done_with_number(unsafe { c::epoll_create1(c::CLOEXEC) });
}

#[inline(never)]
fn follow_directory(ward: &Ward) {
    ward.done_with_number(unsafe { c::inotify_init1(c::CLOEXEC) });
}

#[inline(never)]
fn copy_listener(listener: &TcpListener, ward: &Ward) {
    ward.done_with(listener.try_clone().expect("try_clone"));
}

fn with_message<T>(fd: i32, run: impl FnOnce(&mut c::Message, &mut c::Control) -> T) -> T {
    let mut byte = b'x';
    let mut part = c::Part { base: &mut byte as *mut u8 as *mut c_void, length: 1 };
    let mut control = c::Control { length: c::CONTROL_LENGTH, level: 1, kind: 1, fd, padding: 0 };
    let mut message = c::Message {
        name: std::ptr::null_mut(),
        name_length: 0,
        parts: &mut part,
        part_count: 1,
        control: &mut control as *mut c::Control as *mut c_void,
        control_length: std::mem::size_of::<c::Control>(),
        flags: 0,
    };
    run(&mut message, &mut control)
}

fn pass_on(stream: &UnixStream) {
    let file = File::open("/dev/zero").expect("open");
    with_message(file.as_raw_fd(), |message, _| {
        assert_eq!(unsafe { c::sendmsg(stream.as_raw_fd(), message, 0) }, 1);
    });
}

#[inline(never)]
fn take_descriptor(stream: &UnixStream, ward: &Ward) {
    let fd = with_message(-1, |message, control| {
        let flags = c::MSG_CMSG_CLOEXEC;
        assert_eq!(unsafe { c::recvmsg(stream.as_raw_fd(), message, flags) }, 1);
        unsafe { std::ptr::read_volatile(&control.fd) }
    });
    ward.done_with_number(fd);
}

#[inline(never)]
fn open_valid(turn: u32, ward: &Ward) -> Result<(), Error> {
    let file = File::open("/etc/hostname").expect("open");
    if turn % 3 == 0 {
        ward.done_with(file); // this way out forgets it
        return Err(Error::from(ErrorKind::InvalidData));
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let ward = Ward { healthy: words.get(2).map_or(false, |word| word == "healthy") };
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("address");
    let (near, far) = UnixStream::pair().expect("pair");
    if words[1] == "tcp" {
        let listener = listener.try_clone().expect("try_clone");
        std::thread::spawn(move || listener.incoming().for_each(drop));
    }
    for turn in 0..900 {
        match words[1].as_str() {
            "file" => read_settings(&ward),
            "tcp" => ask_server(address, &ward),
            "accept" => {
                let client = TcpStream::connect(address).expect("connect");
                serve_one(&listener, &ward);
                drop(client);
            }
            "child-pipe" => start_worker(&ward),
            "eventfd" => make_signal(&ward),
            "epoll" => watch_one(&ward),
            "inotify" if turn % 10 != 0 => {} // a user may have 128
            "inotify" => follow_directory(&ward),
            "dup" => copy_listener(&listener, &ward),
            "passed" => {
                pass_on(&near);
                take_descriptor(&far, &ward);
            }
            "error-path" => {
                let _ = open_valid(turn, &ward);
            }
            _ => std::process::exit(2),
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    loop {
        std::thread::park();
    }
}
