//! What a walk through numbered pages is pinned to, and what was counted at its first page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::positions::{BadToken, Positions, take};

/// Which list, narrowed how, something was counted of: a total belongs to no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed([u8; 8]);

impl Listed {
    /// The list that these parts name.
    #[must_use]
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        Listed([a, b, c, d, e, f, g, h])
    }
}

/// How many items a list has at its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// So many.
    pub items: u64,
    /// Whether there are more, counting having ended there.
    pub capped: bool,
}

impl Total {
    /// All that there are.
    #[must_use]
    pub fn exact(items: u64) -> Self {
        Total { items, capped: false }
    }
}

/// Positions that a walk is pinned to. What was in a list at them never changes, so its total comes along from
/// the first page and is not counted again. Whoever alters the token deceives nobody but themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsOf {
    /// One position for each shard that is read.
    pub positions: Positions,
    counted: Option<(Listed, Total)>,
}

impl From<Positions> for AsOf {
    fn from(positions: Positions) -> Self {
        AsOf { positions, counted: None }
    }
}

/// First byte of a token with a total.
const COUNTED_V1: u8 = 0x30;

impl AsOf {
    /// These positions, and what a list has at them.
    #[must_use]
    pub(crate) fn counted(positions: Positions, list: Listed, total: Total) -> Self {
        AsOf { positions, counted: Some((list, total)) }
    }

    /// What was counted of `list`; `None` where that was not, or of another.
    #[must_use]
    pub(crate) fn total(&self, list: Listed) -> Option<Total> {
        self.counted.filter(|(of, _)| *of == list).map(|(_, total)| total)
    }

    /// The opaque text.
    #[must_use]
    pub fn to_token(&self) -> String {
        let Some((list, total)) = &self.counted else { return self.positions.to_token() };
        let mut bytes = vec![COUNTED_V1];
        bytes.extend(list.0);
        bytes.extend(total.items.to_be_bytes());
        bytes.push(u8::from(total.capped));
        self.positions.write(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads [`AsOf::to_token`] back, and [`Positions::to_token`].
    pub fn from_token(token: &str) -> Result<Self, BadToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        let Some(mut rest) = bytes.strip_prefix(&[COUNTED_V1]) else {
            return Positions::from_token(token).map(Self::from);
        };
        let list = Listed(take(&mut rest)?);
        let items = u64::from_be_bytes(take(&mut rest)?);
        let capped = match take(&mut rest)? {
            [0] => false,
            [1] => true,
            [_] => return Err(BadToken),
        };
        let positions = Positions::read(&mut rest)?;
        if !rest.is_empty() || items > i64::MAX.unsigned_abs() {
            return Err(BadToken);
        }
        Ok(AsOf::counted(positions, list, Total { items, capped }))
    }
}

#[cfg(test)]
mod tests {
    use mintmark_domain::Shard;
    use mintmark_domain::es::Position;

    use super::*;

    #[test]
    fn a_token_is_read_back_with_and_without_a_total() {
        let positions = Positions::one(Shard::ZERO, Position(7));
        let list = Listed::of(&[b"public", b"joke"]);
        let total = Total { items: 1_000, capped: true };
        for as_of in [AsOf::from(positions.clone()), AsOf::counted(positions.clone(), list, total)] {
            assert_eq!(AsOf::from_token(&as_of.to_token()), Ok(as_of));
        }
        assert_eq!(AsOf::from_token(&positions.to_token()), Ok(AsOf::from(positions)));
    }

    #[test]
    fn a_total_is_told_of_its_own_list_only() {
        let list = Listed::of(&[b"public", b"joke"]);
        let as_of = AsOf::counted(Positions::default(), list, Total::exact(5));
        assert_eq!(as_of.total(list), Some(Total::exact(5)));
        assert_eq!(as_of.total(Listed::of(&[b"public", b""])), None);
        assert_eq!(as_of.total(Listed::of(&[b"publi", b"cjoke"])), None);
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = AsOf::counted(Positions::default(), Listed::of(&[]), Total::exact(5)).to_token();
        for bad in ["", "x", "!!!!", &good[..good.len() - 2], &format!("{good}AAAA")] {
            assert_eq!(AsOf::from_token(bad), Err(BadToken), "{bad}");
        }
    }
}
