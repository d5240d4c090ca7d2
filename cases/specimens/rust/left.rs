// SPDX-License-Identifier: Apache-2.0
// Memory that Rust code loses, and its healthy twin: `left [healthy]` makes a list of orders, forgets
// it or gives it back, and ends.

#[inline(never)]
fn take_orders() -> Vec<Box<[u8]>> {
    (0..10).map(|_| vec![1u8; 800].into_boxed_slice()).collect()
}

fn main() {
    let healthy = std::env::args().nth(1).as_deref() == Some("healthy");
    let orders = take_orders();
    if !healthy {
        std::mem::forget(orders);
    }
}
