//! Two kinds of plain struct that know the names of their fields.

/// A struct of figures, which is shown as an observation: its field names are the protocol's, and
/// `FIELDS` lists them, so that what is declared cannot depart from what is given.
macro_rules! figures {
    ($(#[$about:meta])* pub struct $name:ident {
        $($(#[$doc:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$about])*
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $name {
            /// The names of all fields.
            pub const FIELDS: &[&str] = &[$(stringify!($field)),*];
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let mut shown = serializer.serialize_struct(stringify!($name), Self::FIELDS.len())?;
                $(shown.serialize_field(stringify!($field), &self.$field)?;)*
                shown.end()
            }
        }
    };
}

/// A struct of settings, each with its default and the values that it may take (`..`: all of its
/// type), by the protocol's names.
macro_rules! settings {
    ($(#[$about:meta])* pub struct $name:ident {
        $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr, $range:expr;)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::settings::Settings for $name {
            fn each(&mut self, visit: $crate::settings::Visit<'_>) {
                $(visit(
                    stringify!($field),
                    $crate::settings::Slot::from((&mut self.$field, $range)),
                );)*
            }
        }
    };
}
