//! Makes cargo notice a new file of the Harrow plan, which the demo loads.

fn main() {
    println!("cargo:rerun-if-changed=../../fixtures/harrow");
}
