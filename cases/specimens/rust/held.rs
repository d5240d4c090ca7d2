// SPDX-License-Identifier: Apache-2.0
// Memory that Rust code keeps, and its healthy twin: `held [healthy]` takes 1 MiB of orders 50 times a
// second for ten seconds and keeps them for ever, or gives them back.
use std::time::Duration;

#[inline(never)]
fn keep_orders(archive: &mut Vec<Box<[u8]>>) {
    for _ in 0..128 {
        archive.push(vec![1u8; 8000].into_boxed_slice());
    }
}

fn main() {
    let healthy = std::env::args().nth(1).as_deref() == Some("healthy");
    let mut archive = Vec::new();
    for _ in 0..500 {
        keep_orders(&mut archive);
        if healthy {
            archive.clear();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("{}", archive.len());
}
