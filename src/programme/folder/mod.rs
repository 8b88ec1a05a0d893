//! A whole plan as a folder of files: what its files hold, how it is loaded with its story, and how it is exported.

pub mod export;
pub mod files;
pub mod load;
pub(crate) mod story;
