//! Prices as pages write them, as people read them.

use rust_decimal::Decimal;

/// The most characters of an amount that are looked at.
const AMOUNT_CHARS_MAX: usize = 40;

/// `39.00` and `USD` as `$39`. `None` for what is no amount; an amount without a currency stands alone.
pub(super) fn shown(amount: &str, currency: Option<&str>) -> Option<String> {
    let amount = decimal(amount)?;
    let mut text = amount.round_dp(2).to_string();
    if let Some(whole) = text.strip_suffix(".00").or_else(|| text.strip_suffix(".0")) {
        text = whole.to_owned();
    } else if text.rsplit_once('.').is_some_and(|(_, cents)| cents.len() == 1) {
        text.push('0');
    }
    let currency = currency.map(|code| code.trim().to_ascii_uppercase()).filter(|code| is_code(code));
    Some(match currency.as_deref() {
        None => text,
        Some(code) => match symbol(code) {
            Some(symbol) => format!("{symbol}{text}"),
            None => format!("{code} {text}"),
        },
    })
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

/// Reads `1,299.00`, `1.299,00`, `39,5`, `$39`: the last mark with one or two digits after it is the
/// decimal one.
fn decimal(text: &str) -> Option<Decimal> {
    let kept: String =
        text.chars().take(AMOUNT_CHARS_MAX).filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let kept = kept.trim_matches(['.', ',']);
    let mark = kept.rfind(['.', ',']).filter(|at| (1..=2).contains(&(kept.len() - at - 1)));
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).collect::<String>();
    let plain = match mark {
        Some(at) => format!("{}.{}", digits(&kept[..at]), digits(&kept[at + 1..])),
        None => digits(kept),
    };
    plain.parse().ok()
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
        ] {
            assert_eq!(shown(amount, currency).as_deref(), Some(expected), "{amount} {currency:?}");
        }
        for none in ["", "free", ".", "99999999999999999999999999999999999999"] {
            assert_eq!(shown(none, Some("USD")), None, "{none}");
        }
    }
}
