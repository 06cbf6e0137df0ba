//! Configuration from the environment: `STRONGROOM__SECTION__FIELD=value`.

use toml::{Table, Value};

use super::ConfigError;

const PREFIX: &str = "STRONGROOM__";

/// Writes every variable of our prefix over `table`, in the order of their names. The rest of the environment is not ours.
pub(super) fn overlay(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let mut ours: Vec<_> = environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.sort();
    ours.into_iter().try_for_each(|(name, value)| set(table, &name, &value))
}

fn set(table: &mut Table, name: &str, value: &str) -> Result<(), ConfigError> {
    let refuse = |problem| ConfigError::Variable { name: name.to_owned(), problem };
    let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
    let (field, sections) = path.split_last().expect("splitting a text gives at least one piece");
    if path.iter().any(String::is_empty) {
        return Err(refuse("has an empty section or field"));
    }
    let mut place = table;
    for section in sections {
        let entry = place.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        place = entry.as_table_mut().ok_or_else(|| refuse("names a field of something that is no section"))?;
    }
    place.insert(field.clone(), read(value).ok_or_else(|| refuse("begins like a TOML list or text and is none"))?);
    Ok(())
}

/// The value as TOML if it looks like a list, a quoted text, a number or a truth value; else as the text that it is.
fn read(text: &str) -> Option<Value> {
    let as_toml = || format!("value = {text}").parse::<Table>().ok()?.remove("value");
    let is_number = !text.is_empty() && text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.as_bytes().first() {
        Some(b'[' | b'{') if text.parse::<std::net::SocketAddr>().is_err() => as_toml(),
        Some(b'"' | b'\'') => as_toml(),
        _ if is_number || matches!(text, "true" | "false") => as_toml(),
        _ => Some(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid(file: &str, pairs: &[(&str, &str)]) -> Result<Table, ConfigError> {
        let mut table: Table = file.parse().unwrap();
        overlay(&mut table, pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())))?;
        Ok(table)
    }

    #[test]
    fn variables_reach_into_sections_and_keep_their_kinds() {
        let table = overlaid(
            "region = 'a'\n[listen]\nadmin = 'kept'\n",
            &[
                ("PATH", "/bin"),
                ("STRONGROOM_ROOT_ACCESS_KEY", "no key of the configuration"),
                ("STRONGROOM__REGION", "b"),
                ("STRONGROOM__LISTEN__HTTP", "[::1]:80"),
                ("STRONGROOM__STRICT_REGION", "true"),
                ("STRONGROOM__LIMITS__CONNECTIONS", "7"),
                ("STRONGROOM__DOMAINS", r#"["x.example", "y.example"]"#),
                ("STRONGROOM__DATA", r#""12""#),
            ],
        )
        .unwrap();
        let expected: Table = "region = 'b'\nstrict_region = true\ndata = '12'\ndomains = ['x.example', 'y.example']\n\
            [listen]\nadmin = 'kept'\nhttp = '[::1]:80'\n[limits]\nconnections = 7\n"
            .parse()
            .unwrap();
        assert_eq!(table, expected);
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_named() {
        for (name, value) in [
            ("STRONGROOM__", "x"),
            ("STRONGROOM__A____B", "x"),
            ("STRONGROOM__REGION__X", "x"),
            ("STRONGROOM__A", "[1"),
        ] {
            let error = overlaid("region = 'a'", &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
