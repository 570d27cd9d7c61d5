//! Positions in several shards at once, as shown to clients, and the tokens of walks.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mintmark_domain::es::Position;
use mintmark_domain::{Shard, Timestamp};
use uuid::Uuid;

/// A token that no release of ours made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this server")]
pub struct BadToken;

/// One position for each shard that was read: what a client has seen. Shown as an opaque text
/// (`X-Log-Position`, `min_position`, `as_of`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<Shard, Position>);

/// First byte of a token of positions.
const POSITIONS_V1: u8 = 0x10;
/// First byte of a walk's token.
const WALK_V1: u8 = 0x20;

impl Positions {
    /// A position in one shard.
    #[must_use]
    pub fn one(shard: Shard, position: Position) -> Self {
        Positions(BTreeMap::from([(shard, position)]))
    }

    /// The position in `shard`; `None` where none is held.
    #[must_use]
    pub fn get(&self, shard: Shard) -> Option<Position> {
        self.0.get(&shard).copied()
    }

    /// Raises what is held to at least `position`.
    pub fn raise(&mut self, shard: Shard, position: Position) {
        let held = self.0.entry(shard).or_default();
        *held = (*held).max(position);
    }

    /// The shards and their positions, by shard.
    pub fn iter(&self) -> impl Iterator<Item = (Shard, Position)> + '_ {
        self.0.iter().map(|(shard, position)| (*shard, *position))
    }

    /// In each shard the lesser of both; nothing where one of them holds none.
    #[must_use]
    pub fn least(&self, other: &Positions) -> Positions {
        let both = self.iter().filter_map(|(shard, position)| Some((shard, position.min(other.get(shard)?))));
        Positions(both.collect())
    }

    /// By shard number, as an array for Postgres, which counts from 1; a shard that is not named has none.
    pub(crate) fn by_number(&self) -> Vec<Option<i64>> {
        let mut array = Vec::new();
        for (shard, position) in self.iter() {
            array.resize(usize::from(shard.number()), None);
            array.push(Some(position_column(position)));
        }
        array
    }

    /// The opaque text.
    #[must_use]
    pub fn to_token(&self) -> String {
        let mut bytes = vec![POSITIONS_V1];
        self.write(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads [`Positions::to_token`] back.
    pub fn from_token(token: &str) -> Result<Self, BadToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        let mut rest = bytes.strip_prefix(&[POSITIONS_V1]).ok_or(BadToken)?;
        let positions = Self::read(&mut rest)?;
        if rest.is_empty() { Ok(positions) } else { Err(BadToken) }
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        // At most 4,096 shards.
        bytes.extend((self.0.len() as u16).to_be_bytes());
        for (shard, position) in self.iter() {
            bytes.extend(shard.number().to_be_bytes());
            bytes.extend(position.0.to_be_bytes());
        }
    }

    pub(crate) fn read(bytes: &mut &[u8]) -> Result<Self, BadToken> {
        let count = u16::from_be_bytes(take(bytes)?);
        let mut positions = BTreeMap::new();
        for _ in 0..count {
            let shard = Shard::new(u16::from_be_bytes(take(bytes)?)).ok_or(BadToken)?;
            let position = u64::from_be_bytes(take(bytes)?);
            if position > i64::MAX.unsigned_abs() {
                return Err(BadToken);
            }
            positions.insert(shard, Position(position));
        }
        Ok(Positions(positions))
    }
}

pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], BadToken> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(BadToken)?;
    *bytes = rest;
    Ok(*head)
}

/// Where a walk stands: right after the row with this time and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the row was recorded.
    pub at: Timestamp,
    /// The row's id.
    pub id: Uuid,
}

/// A walk through a list: pinned to what was there at its first page, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Rows above these are not shown; empty where the list is not pinned.
    pub as_of: Positions,
    /// Rows up to this one were shown; `None` at the start.
    pub after: Option<Place>,
}

impl Walk {
    /// The positions that it is pinned to; `None` where it has just begun.
    pub(crate) fn pinned(&self) -> Option<&Positions> {
        Some(&self.as_of).filter(|said| said.iter().next().is_some())
    }

    /// The opaque cursor.
    #[must_use]
    pub fn to_token(&self) -> String {
        let mut bytes = vec![WALK_V1];
        self.as_of.write(&mut bytes);
        if let Some(place) = &self.after {
            bytes.extend(place.at.timestamp_micros().to_be_bytes());
            bytes.extend(place.id.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads [`Walk::to_token`] back.
    pub fn from_token(token: &str) -> Result<Self, BadToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        let mut rest = bytes.strip_prefix(&[WALK_V1]).ok_or(BadToken)?;
        let as_of = Positions::read(&mut rest)?;
        let after = if rest.is_empty() {
            None
        } else {
            let micros = i64::from_be_bytes(take(&mut rest)?);
            let at = chrono::DateTime::from_timestamp_micros(micros).ok_or(BadToken)?;
            Some(Place { at, id: Uuid::from_bytes(take(&mut rest)?) })
        };
        if rest.is_empty() { Ok(Walk { as_of, after }) } else { Err(BadToken) }
    }
}

/// A position as SQL keeps it. The log never gives one beyond `i64`.
pub(crate) fn position_column(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

/// A shard as SQL keeps it.
pub(crate) fn shard_column(shard: Shard) -> i16 {
    shard.number().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: u16) -> Shard {
        Shard::new(number).unwrap()
    }

    #[test]
    fn positions_stand_at_their_shards_number() {
        let mut positions = Positions::one(shard(3), Position(30));
        positions.raise(shard(1), Position(10));
        assert_eq!(positions.by_number(), [None, Some(10), None, Some(30)]);
        assert_eq!(Positions::default().by_number(), []);
    }

    #[test]
    fn the_lesser_of_two_is_held_where_both_hold_one() {
        let mut some = Positions::one(shard(0), Position(5));
        some.raise(shard(1), Position(9));
        let other = Positions::one(shard(1), Position(7));
        assert_eq!(some.least(&other), other);
        assert_eq!(other.least(&some), other);
    }

    #[test]
    fn a_token_is_read_back_as_it_was() {
        let mut as_of = Positions::one(shard(7), Position(9));
        as_of.raise(shard(0), Position(1 << 40));
        as_of.raise(shard(7), Position(3));
        assert_eq!(as_of.get(shard(7)), Some(Position(9)));
        assert_eq!(Positions::from_token(&as_of.to_token()), Ok(as_of.clone()));
        let at = chrono::DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
        for after in [None, Some(Place { at, id: Uuid::from_u128(5) })] {
            let walk = Walk { as_of: as_of.clone(), after };
            assert_eq!(Walk::from_token(&walk.to_token()), Ok(walk));
        }
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = Positions::one(shard(1), Position(2)).to_token();
        for bad in ["", "x", "!!!!", &good[..good.len() - 2], &format!("{good}AAAA")] {
            assert_eq!(Positions::from_token(bad), Err(BadToken), "{bad}");
        }
        assert_eq!(Walk::from_token(&good), Err(BadToken));
        // A position that no log gives.
        let huge = Positions::one(shard(1), Position(u64::MAX)).to_token();
        assert_eq!(Positions::from_token(&huge), Err(BadToken));
    }
}
