//! The API's documentation to read and to try: Swagger UI, from files inside this program.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use utoipa_swagger_ui::{Config, Url};

use crate::http::problem::Problem;
use crate::http::request::path::path_params;

/// The one style that Swagger UI puts into the page by itself: the colours of its logo.
pub(in crate::http) const LOGO_STYLE: &str = ".logo_small_svg__cls-2{fill:#fff}.logo_small_svg__cls-3{fill:#85ea2d}";

/// What the page may load: its own scripts and styles, no inline ones but that of the logo, and nothing from elsewhere.
static CSP: LazyLock<String> = LazyLock::new(|| {
    let logo = STANDARD.encode(Sha256::digest(LOGO_STYLE));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{logo}'; img-src 'self' data:; \
         connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// Ours and not the vendored one, whose relative links lead nowhere from `/docs` without a slash.
const INDEX: &str = r#"<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waymark API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/index.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<noscript><p>This page needs JavaScript. The same is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/swagger-ui-standalone-preset.js"></script>
<script src="/docs/swagger-initializer.js"></script>
</body>
</html>
"#;

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let documents =
        [Url::with_primary("OpenAPI 3.1", "/openapi.json", true), Url::new("OpenAPI 3.0", "/openapi-3.0.json")];
    // Without `none` the page sends every document to a validator on the Internet; the schemas, hundreds of them, are shown
    // with the operations that have them and not listed again.
    let config = Config::new(documents).validator_url("none").deep_linking(true).display_operation_id(true);
    Arc::new(config.doc_expansion("list").filter(true).try_it_out_enabled(true).default_models_expand_depth(-1))
});

/// `GET /docs` and `/docs/`
pub(crate) async fn index() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, CSP.as_str()))
        .body(INDEX)
}

path_params! {
    /// The address of one of the page's files.
    pub FilePath {
        file: String, "The file's name.", "swagger-ui.css";
    }
}

/// `GET /docs/{file}`
pub(crate) async fn file(FilePath { file: name }: FilePath) -> Result<HttpResponse, Problem> {
    let file = match utoipa_swagger_ui::serve(&name, Arc::clone(&CONFIG)) {
        Ok(Some(file)) if name != "index.html" => file,
        Ok(_) => return Err(Problem::not_found()),
        Err(error) => return Err(Problem::internal_because(&error.to_string())),
    };
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .insert_header((CONTENT_SECURITY_POLICY, CSP.as_str()))
        .insert_header((CACHE_CONTROL, "public, max-age=86400"))
        .body(bytes))
}
