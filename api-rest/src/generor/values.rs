//! How Generor writes moments, and reads what may be a word or a number.

use std::fmt;

use indexmap::IndexMap;
use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Catalog, MediaType, PreferenceValue};
use mintmark_domain::creation::{License, Privacy};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::Problem;

/// A moment in UTC, to the second, without a zone: `2026-02-20 12:00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format("%Y-%m-%d %H:%M:%S"))
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A moment in UTC."))
            .examples(["2026-02-20 12:00:00"])
            .into()
    }
}

impl ToSchema for Moment {}

/// The typed fields of a text, in their generator's order.
pub(super) type Fields = IndexMap<String, Value>;

/// Puts the fields of a text in the order of the generator that promises them.
pub(super) fn in_order(catalog: &Catalog, generator: Option<&str>, mut fields: Map<String, Value>) -> Fields {
    let promised = generator.and_then(|slug| catalog.generator(slug)).map(|known| known.fields.as_slice());
    let names = promised.unwrap_or_default().iter().map(|field| &field.name);
    let mut ordered: Fields = names.filter_map(|name| fields.remove_entry(name)).collect();
    ordered.extend(fields);
    ordered
}

/// A word or a whole number, as the document takes preferences and ratios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordOrNumber(pub PreferenceValue);

impl<'de> Deserialize<'de> for WordOrNumber {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = WordOrNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WordOrNumber, E> {
                Ok(WordOrNumber(PreferenceValue::Text(text.to_owned())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<WordOrNumber, E> {
                Ok(WordOrNumber(PreferenceValue::Integer(number)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<WordOrNumber, E> {
                // A number beyond these is none of anybody's choices, whichever it is.
                Ok(WordOrNumber(PreferenceValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))))
            }
        }

        reader.deserialize_any(Either)
    }
}

impl PartialSchema for WordOrNumber {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::String))
            .item(ObjectBuilder::new().schema_type(Type::Integer))
            .into()
    }
}

impl ToSchema for WordOrNumber {}

/// The document's table of ratios for images: number, ratio, name.
const IMAGE_RATIOS: [(&str, &str, &str); 5] = [
    ("1", "1:1", "square"),
    ("2", "3:4", "vertical"),
    ("3", "4:3", "horizontal"),
    ("4", "16:9", "wide"),
    ("5", "9:16", "tall"),
];
/// The same for videos.
const VIDEO_RATIOS: [(&str, &str, &str); 2] = [("1", "16:9", "wide"), ("2", "9:16", "tall")];

/// The ratio that a number, a ratio or a name stands for in a medium; `None` in one that has none, where it says
/// nothing. Errors: none of the medium's table, or of any; whether the model takes it is judged later.
pub(super) fn ratio(media_type: MediaType, asked: &WordOrNumber) -> Result<Option<String>, Problem> {
    let (table, is_used): (&[(&str, &str, &str)], bool) = match media_type {
        MediaType::Img | MediaType::Svg => (&IMAGE_RATIOS, true),
        MediaType::Video => (&VIDEO_RATIOS, true),
        // The images' table has all that there is in the videos'.
        MediaType::Text | MediaType::Audio => (&IMAGE_RATIOS, false),
    };
    let said = asked.0.to_string().to_ascii_lowercase();
    let row = table.iter().find(|(number, ratio, name)| [*number, *ratio, *name].contains(&said.as_str()));
    row.map(|(_, ratio, _)| is_used.then(|| (*ratio).to_owned())).ok_or_else(|| {
        let rows: Vec<String> =
            table.iter().map(|(number, ratio, name)| format!("{number} / {ratio} / {name}")).collect();
        Problem::invalid(format!("aspect_ratio must be one of: {}.", rows.join(", ")))
    })
}

/// 0 is public, 1 private.
pub(super) fn privacy(number: i64) -> Result<Privacy, Problem> {
    match number {
        0 => Ok(Privacy::Public),
        1 => Ok(Privacy::Private),
        _ => Err(Problem::invalid("privacy_mode must be 0 (public) or 1 (private).")),
    }
}

/// The number of a privacy.
pub(super) fn privacy_mode(privacy: Privacy) -> u8 {
    match privacy {
        Privacy::Public => 0,
        Privacy::Private => 1,
    }
}

/// 1 is Open GO-1.0, 2 Exclusive GE-1.0.
pub(super) fn license(number: i64) -> Result<License, Problem> {
    match number {
        1 => Ok(License::OpenGo1),
        2 => Ok(License::ExclusiveGe1),
        _ => Err(Problem::invalid("license must be 1 (Open GO-1.0) or 2 (Exclusive GE-1.0).")),
    }
}

/// The number of a licence.
pub(super) fn license_number(license: License) -> u8 {
    match license {
        License::OpenGo1 => 1,
        License::ExclusiveGe1 => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_a_number_and_a_name_in_each_medium() {
        let read = |media_type, json: &str| {
            let asked: WordOrNumber = serde_json::from_str(json).unwrap();
            ratio(media_type, &asked).ok().flatten()
        };
        for (number, said, name) in IMAGE_RATIOS {
            for json in [number.to_owned(), format!("\"{number}\""), format!("\"{said}\""), format!("\"{name}\"")] {
                assert_eq!(read(MediaType::Img, &json).as_deref(), Some(said), "{json}");
            }
        }
        assert_eq!(read(MediaType::Video, "1").as_deref(), Some("16:9"));
        assert_eq!(read(MediaType::Video, "\"Tall\"").as_deref(), Some("9:16"));
        for bad in ["3", "\"1:1\"", "\"square\"", "-1", "18446744073709551615"] {
            assert_eq!(read(MediaType::Video, bad), None, "{bad}");
        }
        assert_eq!(read(MediaType::Text, "77"), None);
    }

    #[test]
    fn a_word_or_a_number_is_nothing_else() {
        for bad in ["1.5", "true", "[]", "{}"] {
            let problem = serde_json::from_str::<WordOrNumber>(bad).unwrap_err().to_string();
            assert!(problem.contains("expected a string or a whole number"), "{problem}");
        }
    }

    #[test]
    fn a_moment_has_no_zone() {
        let at = chrono::DateTime::from_timestamp(1_771_588_800, 999_000_000).unwrap();
        assert_eq!(serde_json::to_string(&Moment(at)).unwrap(), "\"2026-02-20 12:00:00\"");
    }

    #[test]
    fn privacy_and_licence_are_numbers() {
        for number in [0, 1] {
            assert_eq!(i64::from(privacy_mode(privacy(number).unwrap())), number);
        }
        for number in [1, 2] {
            assert_eq!(i64::from(license_number(license(number).unwrap())), number);
        }
        assert!(privacy(2).is_err() && privacy(-1).is_err() && license(0).is_err() && license(3).is_err());
    }
}
