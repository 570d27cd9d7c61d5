//! The documents as one page of HTML: no script, nothing from elsewhere.

use std::fmt::Write as _;

use mintmark_domain::catalog::Dialect;
use serde_json::Value;

use super::{METHODS, path_of, title_of};

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{border-bottom:1px solid var(--line);margin-top:3rem}
details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0}
summary{cursor:pointer;padding:.4rem .7rem}summary:hover{background:var(--soft)}
details>div{padding:0 1rem .8rem}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;overflow:auto;border-radius:6px}
.method{display:inline-block;min-width:4.5rem;font-weight:600;text-transform:uppercase}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem .25rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
.soft{opacity:.7}";

/// The whole page.
pub(super) fn render(documents: &[(Dialect, Value)]) -> String {
    let mut page = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Mintmark API</title>");
    let _ = write!(page, "<style>{STYLE}</style></head><body><h1>Mintmark API</h1><p>Send the key as <code>");
    page.push_str(
        "Authorization: Bearer &lt;key&gt;</code>. Any key works in every dialect, within its scopes.</p><ul>",
    );
    for (dialect, _) in documents {
        let _ = write!(page, "<li><a href=\"#{dialect}\">{}</a>", escape(title_of(*dialect)));
        if let Some(path) = path_of(*dialect) {
            let _ = write!(page, " <span class=\"soft\">(<a href=\"{path}\">openapi.json</a>)</span>");
        }
        page.push_str("</li>");
    }
    page.push_str("</ul>");
    for (dialect, document) in documents {
        let _ = write!(page, "<h2 id=\"{dialect}\">{}</h2>", escape(title_of(*dialect)));
        let paths = document["paths"].as_object().into_iter().flatten();
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    write_operation(&mut page, document, method, path, operation);
                }
            }
        }
    }
    page.push_str("</body></html>");
    page
}

fn write_operation(page: &mut String, document: &Value, method: &str, path: &str, operation: &Value) {
    let text = |name: &str| escape(operation[name].as_str().unwrap_or_default());
    let _ = write!(
        page,
        "<details><summary><span class=\"method\">{method}</span><code>{}</code> <span class=\"soft\">{}</span></summary><div>",
        escape(path),
        text("summary"),
    );
    let description = text("description");
    if !description.is_empty() {
        let _ = write!(page, "<p>{description}</p>");
    }
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let fields = fields_of(document, body);
    let rows: Vec<[String; 4]> = parameters
        .map(|parameter| row(parameter["name"].as_str(), parameter["in"].as_str(), parameter))
        .chain(fields.iter().map(|(name, field)| row(Some(name), Some("body"), field)))
        .collect();
    if !rows.is_empty() {
        page.push_str("<table><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr>");
        for [name, place, kind, what] in rows {
            let _ = write!(page, "<tr><td><code>{name}</code></td><td>{place}</td><td>{kind}</td><td>{what}</td></tr>");
        }
        page.push_str("</table>");
    }
    page.push_str("<table><tr><th>Status</th><th></th></tr>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let what = escape(response["description"].as_str().unwrap_or_default());
        let _ = write!(page, "<tr><td><code>{}</code></td><td>{what}</td></tr>", escape(status));
    }
    page.push_str("</table></div></details>");
}

fn row(name: Option<&str>, place: Option<&str>, described: &Value) -> [String; 4] {
    let schema = described.get("schema").unwrap_or(described);
    let kind = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default().to_owned(),
    };
    let required = if described["required"] == true { "Required. " } else { "" };
    let what = format!("{required}{}", described["description"].as_str().unwrap_or_default());
    [name.unwrap_or_default(), place.unwrap_or_default(), &kind, &what].map(escape)
}

/// The fields of a body, through references; whether each must be there stands with it.
fn fields_of(document: &Value, schema: &Value) -> Vec<(String, Value)> {
    let schema = match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(schema),
        None => schema,
    };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, field)| {
            let mut field = field.clone();
            if let Some(field) = field.as_object_mut() {
                field.insert("required".into(), required.contains(&name.as_str()).into());
            }
            (name.clone(), field)
        })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
