//! The files that pages load: one stylesheet, one script that nothing depends on, one icon. Their addresses hold a digest of what
//! they hold, so that browsers keep them for a year.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A file that pages load.
#[derive(Debug)]
pub struct Asset {
    ending: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub content: &'static str,
    name: LazyLock<String>,
}

/// How every page looks.
pub static STYLE: Asset = Asset {
    ending: "css",
    media_type: "text/css; charset=utf-8",
    content: include_str!("assets/waymark.css"),
    name: LazyLock::new(|| name(&STYLE)),
};

/// What pages do besides, where scripts run.
pub static SCRIPT: Asset = Asset {
    ending: "js",
    media_type: "text/javascript; charset=utf-8",
    content: include_str!("assets/waymark.js"),
    name: LazyLock::new(|| name(&SCRIPT)),
};

/// The sign of the service in a browser's tab.
pub static ICON: Asset = Asset {
    ending: "svg",
    media_type: "image/svg+xml",
    content: include_str!("assets/waymark.svg"),
    name: LazyLock::new(|| name(&ICON)),
};

/// The beginning of a text's digest, as it may stand in an address.
fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text)).chars().take(16).collect()
}

/// The name of a file, with the beginning of its digest.
fn name(asset: &Asset) -> String {
    format!("waymark.{}.{}", digest(asset.content), asset.ending)
}

impl Asset {
    /// Where it is served.
    pub fn address(&self) -> String {
        format!("/assets/{}", *self.name)
    }

    /// What a policy of what may be loaded calls it where it stands in a page itself.
    pub fn source(&self) -> String {
        format!("sha256-{}", STANDARD.encode(Sha256::digest(self.content)))
    }

    /// The file of this name, if it is one of this version of the pages.
    pub fn named(name: &str) -> Option<&'static Self> {
        [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| *asset.name == name)
    }
}

/// What tells this version of the pages from any other: a page that is kept under another is asked for again.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let all = [&STYLE, &SCRIPT, &ICON].map(|asset| asset.name.as_str()).concat();
        digest(&format!("{}{all}", env!("CARGO_PKG_VERSION")))
    });
    &VERSION
}
