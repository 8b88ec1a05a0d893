//! What an address names: each resource has one struct of its path's parameters, which is extractor and document at once.
//!
//! A handler takes `KpiPath { plan, kpi }: KpiPath` and documents it by `params(KpiPath)`. A segment that cannot be what it
//! should be is a thing that does not exist: 404, like one that was never there.

use std::collections::HashMap;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

/// The path as the client wrote it, before a suffix such as `.csv` was taken off.
#[derive(Clone, Debug)]
pub(in crate::http) struct AskedPath(pub(in crate::http) String);

/// The path as the client wrote it, with the suffix it may have had: what a link back to the same resource needs.
pub fn asked_path(request: &HttpRequest) -> String {
    request.extensions().get::<AskedPath>().map_or_else(|| request.path().to_owned(), |asked| asked.0.clone())
}

/// The segments of a request's path by their names.
pub struct Segments(HashMap<String, String>);

impl Segments {
    /// The segments with percent-encoding undone; `None` when one could be no name of anything.
    #[expect(clippy::disallowed_types, reason = "the structs of this module stand in for it")]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let values = actix_web::web::Path::<Vec<String>>::from_request(request, &mut Payload::None);
        let values = values.into_inner().ok()?.into_inner();
        // The replacement character is in a segment that was no UTF-8.
        if values.iter().any(|value| value.contains(['\0', '\u{fffd}'])) {
            return None;
        }
        let names = request.match_info().iter().map(|(name, _)| name.to_owned());
        Some(Self(names.zip(values).collect()))
    }

    /// The segment `name`, parsed; `None` when it does not parse.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.parse().ok()
    }
}

/// Makes the structs of paths, each parameter with its type, its words and an example. A type that the document calls by
/// another name has that after `as`. `in plan` and `in kpi` stand for the parameters that most paths begin with.
///
/// ```text
/// path_params! {
///     /// The address of a reading.
///     pub ReadingPath in kpi {
///         period: Period as String, "The period's key.", "FY2009-10-Q1";
///     }
/// }
/// ```
macro_rules! path_params {
    ($($(#[$doc:meta])* $vis:vis $name:ident $(in $within:ident)? { $($parameter:tt)* })+) => { $(
        $crate::http::request::path::path_params! { @$($within)? $(#[$doc])* $vis $name { $($parameter)* } }
    )+ };
    (@kpi $(#[$doc:meta])* $vis:vis $name:ident { $($parameter:tt)* }) => {
        $crate::http::request::path::path_params! {
            @plan $(#[$doc])* $vis $name {
                kpi: $crate::domain::ids::KpiCode, "The KPI's code.", "NI-117";
                $($parameter)*
            }
        }
    };
    (@plan $(#[$doc:meta])* $vis:vis $name:ident { $($parameter:tt)* }) => {
        $crate::http::request::path::path_params! {
            @ $(#[$doc])* $vis $name {
                plan: $crate::domain::ids::PlanCode, "The plan's code.", "harrow-cypp-2009-2011";
                $($parameter)*
            }
        }
    };
    (@ $(#[$doc:meta])* $vis:vis $name:ident {
        $($parameter:ident: $kind:ty $(as $documented:ty)?, $words:literal, $example:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, ::utoipa::IntoParams)]
        #[into_params(parameter_in = Path)]
        $vis struct $name {
            $(
                #[doc = $words]
                #[param($(value_type = $documented,)? example = $example)]
                $vis $parameter: $kind,
            )+
        }

        impl ::actix_web::FromRequest for $name {
            type Error = $crate::http::problem::Problem;
            type Future = ::std::future::Ready<Result<Self, Self::Error>>;

            fn from_request(request: &::actix_web::HttpRequest, _: &mut ::actix_web::dev::Payload) -> Self::Future {
                let parsed = || {
                    let segments = $crate::http::request::path::Segments::of(request)?;
                    Some(Self { $($parameter: segments.parsed(stringify!($parameter))?),+ })
                };
                ::std::future::ready(parsed().ok_or_else($crate::http::problem::Problem::not_found))
            }
        }
    };
}

pub(crate) use path_params;

path_params! {
    /// The address of a plan, and of what a plan has one of.
    pub PlanPath in plan {}
    /// The address of a KPI, and of what a KPI has one of.
    pub KpiPath in kpi {}
}
