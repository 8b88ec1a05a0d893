//! Enums whose members have names in JSON, CSV and the database: [`crate::names!`] makes one, with each name written once.

/// Makes an enum from its members and their names; it must derive `Serialize` or `Deserialize`. With `else`, a text is read
/// as one of them, and these words come before the list of names in what is said of any other.
///
/// ```text
/// names! {
///     /// Whether a plan is in use.
///     #[derive(Clone, Copy, Serialize)]
///     pub enum PlanState, else "is no state of a plan; they are" {
///         /// Figures are posted.
///         Current = "current",
///         /// It is only read.
///         Closed = "closed",
///     }
/// }
/// ```
#[macro_export]
macro_rules! names {
    ($(#[$meta:meta])* pub enum $kind:ident $(, else $unknown:literal)? {
        $($(#[$doc:meta])* $member:ident = $name:tt,)+
    }) => {
        $(#[$meta])*
        pub enum $kind { $($(#[$doc])* #[serde(rename = $name)] $member,)+ }

        impl $kind {
            /// All of them, in their order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$member),+];

            /// The name in JSON, CSV and the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $name),+ }
            }

            /// The one that has this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.as_str() == name)
            }
        }

        $(impl std::str::FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::named(text).ok_or_else(|| format!("{} {}", $unknown, Self::ALL.map(Self::as_str).join(", ")))
            }
        })?
    };
}
