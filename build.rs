//! Makes cargo notice a new migration, which the program embeds.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=fixtures/harrow");
}
