//! The files that pages load, and pages that are only words.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;

use crate::http::problem::Problem;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::path_params;
use crate::http::site::answer::{frame, html};
use crate::http::site::visitor::Visitor;
use crate::pages::assets::Asset;
use crate::pages::plain;

path_params! {
    /// The address of a file that pages load.
    pub AssetPath {
        file: String, "The file's name.", "waymark.0123456789abcdef.css";
    }
}

/// `GET /assets/{file}`: under its digest, and so for ever the same.
pub(in crate::http) async fn asset(AssetPath { file }: AssetPath) -> Result<HttpResponse, Problem> {
    let asset = Asset::named(&file).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.content))
}

/// `GET /help`
pub(in crate::http) async fn help(visitor: Option<Visitor>, _: Params<NoParams>) -> HttpResponse {
    html(StatusCode::OK, plain::help(&frame("Help", visitor.as_ref())))
}

/// `GET /accessibility`
pub(in crate::http) async fn accessibility(visitor: Option<Visitor>, _: Params<NoParams>) -> HttpResponse {
    html(StatusCode::OK, plain::accessibility(&frame("Accessibility statement", visitor.as_ref())))
}

/// `GET /privacy`
pub(in crate::http) async fn privacy(visitor: Option<Visitor>, _: Params<NoParams>) -> HttpResponse {
    html(StatusCode::OK, plain::privacy(&frame("Privacy", visitor.as_ref())))
}
