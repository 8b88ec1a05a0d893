//! Where the database is: a URL whose scheme decides which of the two it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The address of a database. Shows itself without the password and the parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(super) Address);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// The path of an SQLite file.
    Sqlite(PathBuf),
    /// The whole URL, as libpq reads it, and the same without its secrets.
    Postgres { url: String, shown: String, password: String },
}

/// A text is no database URL. Never quotes more of it than the scheme, because the rest may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither of the two databases.
    #[error(
        "{0} no database that Waymark can use; write sqlite:PATH, such as sqlite:/var/lib/waymark/waymark.db, or postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Scheme(String),
    /// An SQLite address that names no file.
    #[error("names no SQLite file: {0}; write sqlite:PATH, such as sqlite:/var/lib/waymark/waymark.db")]
    Path(&'static str),
    /// A PostgreSQL address that cannot be split.
    #[error(
        "is no PostgreSQL URL: {0}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with characters such as @ : / ? # % in a password percent-encoded"
    )]
    Postgres(&'static str),
}

impl DatabaseUrl {
    /// The path, if this is SQLite.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Address::Sqlite(path) => Some(path),
            Address::Postgres { .. } => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme {
            "sqlite" => sqlite(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" => match rest.strip_prefix("//") {
                Some(rest) => postgres(text, scheme, rest),
                None => Err(DatabaseUrlError::Postgres("`//` is missing after the colon")),
            },
            other => {
                let is_scheme = rest.starts_with("//") && other.bytes().all(|byte| byte.is_ascii_alphanumeric());
                Err(DatabaseUrlError::Scheme(if is_scheme { format!("`{other}:` is") } else { "this is".into() }))
            }
        }
        .map(Self)
    }
}

fn sqlite(path: &str) -> Result<Address, DatabaseUrlError> {
    if path.is_empty() {
        return Err(DatabaseUrlError::Path("the path is missing"));
    }
    if path.starts_with(":memory:") {
        return Err(DatabaseUrlError::Path("a database in memory is lost with the connection"));
    }
    if path.contains(['?', '\0']) {
        return Err(DatabaseUrlError::Path("it takes no parameters"));
    }
    Ok(Address::Sqlite(PathBuf::from(path)))
}

/// Splits the URL only as far as needed to be sure that libpq splits it in the same places: if it does not, parts of a
/// password turn up as a host or a port, and then in its messages.
fn postgres(url: &str, scheme: &str, rest: &str) -> Result<Address, DatabaseUrlError> {
    use DatabaseUrlError::Postgres as Wrong;

    if url.chars().any(|character| character.is_control() || character == ' ') {
        return Err(Wrong("it contains a space or a control character"));
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    let (user, password) =
        user.map_or((None, ""), |user| user.split_once(':').map_or((Some(user), ""), |(u, p)| (Some(u), p)));
    if user.is_some_and(|user| user.contains('@')) || password.contains('@') || database.contains(['@', '/']) {
        return Err(Wrong("it can be read in more than one way"));
    }
    if url.contains('#') {
        return Err(Wrong("it contains a `#`"));
    }
    for host in hosts.split(',') {
        // An IPv6 address is in brackets and has colons of its own.
        let after_host = host.rsplit_once(']').map_or(host, |(_, after)| after);
        let port = after_host.rsplit_once(':').map_or("", |(_, port)| port);
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Wrong("its port is not a number"));
        }
    }
    if !percent_encoding_is_whole(url) {
        return Err(Wrong("a `%` in it is not followed by two hexadecimal digits"));
    }
    if !query.is_empty() && query.split('&').any(|pair| pair.matches('=').count() != 1) {
        return Err(Wrong("its parameters are not written name=value"));
    }
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let slash = if address.contains('/') { "/" } else { "" };
    Ok(Address::Postgres {
        url: with_defaults(url),
        shown: format!("{scheme}://{user}{hosts}{slash}{database}"),
        password: password.to_owned(),
    })
}

fn percent_encoding_is_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// Adds what libpq leaves open: it would wait for ever for a host that does not answer.
fn with_defaults(url: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    for default in ["connect_timeout=5", "fallback_application_name=waymark"] {
        let name = default.split('=').next();
        if !parameters.iter().any(|pair| pair.split('=').next() == name) {
            parameters.push(default);
        }
    }
    format!("{address}?{}", parameters.join("&"))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Address::Postgres { shown, .. } => out.pad(shown),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libpq_reads(text: &str) -> String {
        match text.parse::<DatabaseUrl>().unwrap().0 {
            Address::Postgres { url, .. } => url,
            Address::Sqlite(path) => panic!("{}", path.display()),
        }
    }

    #[test]
    fn the_scheme_decides() {
        for (text, path) in [
            ("sqlite:waymark.db", "waymark.db"),
            ("sqlite://waymark.db", "waymark.db"),
            ("sqlite:/var/lib/waymark.db", "/var/lib/waymark.db"),
            ("sqlite:///var/lib/waymark.db", "/var/lib/waymark.db"),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().sqlite_path(), Some(Path::new(path)), "{text}");
        }
        for text in ["postgres://waymark@db/waymark", "postgresql:///waymark?host=/run/postgresql"] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().sqlite_path(), None, "{text}");
        }
    }

    #[test]
    fn anything_else_is_told_what_to_write() {
        for text in ["", "waymark.db", "postgresql", "postgress://db/waymark", "mysql://db/waymark", "/var/lib/w.db"] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(matches!(error, DatabaseUrlError::Scheme(_)), "{text}: {error}");
            assert!(error.to_string().contains("sqlite:PATH"), "{error}");
        }
        for text in ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite:w.db?mode=rwc"] {
            assert!(matches!(text.parse::<DatabaseUrl>(), Err(DatabaseUrlError::Path(_))), "{text}");
        }
        for text in [
            "postgres:db/waymark",
            "postgres://u:se/cret@db/waymark",
            "postgres://u:se@cret@db/waymark",
            "postgres://u:se%cret@db/waymark",
            "postgres://u:se cret@db/waymark",
            "postgres://u:secret#@db/waymark",
            "postgres://db:secret/waymark",
            "postgres://db/waymark?sslmode",
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(matches!(error, DatabaseUrlError::Postgres(_)), "{text}: {error}");
            assert!(!error.to_string().contains("cret"), "{error}");
        }
    }

    #[test]
    fn what_is_shown_has_no_secrets() {
        let url = "postgres://waymark:hunter2@db:5433/plans?sslmode=verify-full&sslpassword=hunter3";
        let url = url.parse::<DatabaseUrl>().unwrap();
        assert_eq!(url.to_string(), "postgres://waymark@db:5433/plans");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://waymark@db:5433/plans)");
    }

    #[test]
    fn parameters_reach_libpq_and_defaults_join_them() {
        assert_eq!(
            libpq_reads("postgres://[::1]:5432/plans"),
            "postgres://[::1]:5432/plans?connect_timeout=5&fallback_application_name=waymark"
        );
        assert_eq!(
            libpq_reads("postgres://db/plans?connect_timeout=1&sslmode=verify-full&sslrootcert=/etc/ca.pem"),
            "postgres://db/plans?connect_timeout=1&sslmode=verify-full&sslrootcert=/etc/ca.pem&fallback_application_name=waymark"
        );
    }
}
