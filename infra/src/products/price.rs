//! Prices as pages write them, as people read them.

use rust_decimal::Decimal;

/// The most characters of an amount that are looked at.
const AMOUNT_CHARS_MAX: usize = 40;

/// `39.00` and `USD` as `$39`. `None` for what is no amount; an amount without a currency stands alone.
pub(super) fn shown(amount: &str, currency: Option<&str>) -> Option<String> {
    decimal(amount).map(|amount| exact(amount, currency))
}

/// The same of a number that needs no reading.
pub(super) fn exact(amount: Decimal, currency: Option<&str>) -> String {
    let mut text = amount.round_dp(2).to_string();
    if let Some(whole) = text.strip_suffix(".00").or_else(|| text.strip_suffix(".0")) {
        text = whole.to_owned();
    } else if text.rsplit_once('.').is_some_and(|(_, cents)| cents.len() == 1) {
        text.push('0');
    }
    let currency = currency.map(|code| code.trim().to_ascii_uppercase()).filter(|code| is_code(code));
    match currency.as_deref() {
        None => text,
        Some(code) => match symbol(code) {
            Some(symbol) => format!("{symbol}{text}"),
            None => format!("{code} {text}"),
        },
    }
}

fn is_code(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn symbol(code: &str) -> Option<&'static str> {
    Some(match code {
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "INR" => "₹",
        "KRW" => "₩",
        "CAD" => "CA$",
        "AUD" => "A$",
        "BRL" => "R$",
        "MXN" => "MX$",
        _ => return None,
    })
}

/// The first number of a text: `1,299.00`, `1.299,00`, `1 299,00`, `39,5`, `$39`, `19.99 - 39.99`. Errors as
/// `None`: no number, or digits that are grouped as no amount is.
fn decimal(text: &str) -> Option<Decimal> {
    let chars: Vec<char> = text.chars().skip_while(|c| !c.is_ascii_digit()).take(AMOUNT_CHARS_MAX).collect();
    let (mut groups, mut marks) = (vec![String::new()], Vec::new());
    for (at, &c) in chars.iter().enumerate() {
        let after = chars[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
        if c.is_ascii_digit() {
            groups.last_mut()?.push(c);
        } else if matches!(c, '.' | ',') && after > 0 || is_gap(c) && after == 3 {
            groups.push(String::new());
            marks.push(c);
        } else {
            break;
        }
    }
    let cents = if has_cents(&groups, &marks) { groups.pop() } else { None };
    let (first, rest) = groups.split_first().filter(|(first, _)| !first.is_empty())?;
    let grouped = rest.is_empty() || (first.len() <= 3 && rest.iter().all(|group| group.len() == 3));
    if !grouped {
        return None;
    }
    format!("{}.{}", groups.concat(), cents.unwrap_or_else(|| "0".to_owned())).parse().ok()
}

/// What stands between thousands where neither a point nor a comma does.
fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '\u{2019}')
}

/// Whether the last mark stands before cents: it is there once, and what follows it are not the three
/// digits of thousands.
fn has_cents(groups: &[String], marks: &[char]) -> bool {
    let (Some(last), Some(after), Some(first)) = (marks.last(), groups.last(), groups.first()) else { return false };
    if is_gap(*last) || marks.iter().filter(|mark| *mark == last).count() > 1 {
        return false;
    }
    after.len() != 3 || marks.len() > 1 || first == "0" || first.len() > 3
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_price_is_shown_with_its_currency_and_without_empty_cents() {
        let shown = |amount, currency| shown(amount, currency);
        for (amount, currency, expected) in [
            ("39.00", Some("USD"), "$39"),
            ("39", Some("usd"), "$39"),
            ("39.5", Some("EUR"), "€39.50"),
            ("1,299.00", Some("USD"), "$1299"),
            ("1.299,95", Some("EUR"), "€1299.95"),
            ("12", Some("CHF"), "CHF 12"),
            ("12,5", None, "12.50"),
            ("$ 7", Some("nonsense"), "7"),
            ("1,000", Some("GBP"), "£1000"),
            ("1.299.000", Some("KRW"), "₩1299000"),
            ("1 299,50", Some("EUR"), "€1299.50"),
            ("1\u{a0}299", Some("EUR"), "€1299"),
            ("129.9900", Some("USD"), "$129.99"),
            ("1299.995", Some("USD"), "$1300"),
            ("0.995", Some("USD"), "$1"),
            ("$19.99 - $39.99", Some("USD"), "$19.99"),
            ("From 19.99, was 25", Some("USD"), "$19.99"),
            ("19.", Some("USD"), "$19"),
        ] {
            assert_eq!(shown(amount, currency).as_deref(), Some(expected), "{amount} {currency:?}");
        }
        for none in ["", "free", ".", "1.2.3", "12,34,567", "99999999999999999999999999999999999999"] {
            assert_eq!(shown(none, Some("USD")), None, "{none}");
        }
    }
}
