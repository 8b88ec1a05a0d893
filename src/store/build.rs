//! Makes cargo notice a new migration, which the store embeds.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
