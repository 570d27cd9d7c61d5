//! The directory: what is unique across all shards, and public integer ids.
//!
//! Both are tables outside the log, so that one place decides; both can be rebuilt from the log. The
//! ports are [`mintmark_domain::ports::Directory`] and [`mintmark_domain::ports::IntegerIds`].

mod blocks;
mod from_log;
mod memory;
mod postgres;

use std::future::Future;

use mintmark_domain::Timestamp;
use mintmark_domain::ports::{Claim, ClaimRequest, Directory, DirectoryError};

pub use blocks::{Block, BlockSizes, BlockStore, IdAllocator, MemoryBlocks, PgBlocks};
pub use from_log::{FromLog, FromLogError, Owned, is_in_log};
pub use memory::MemoryDirectory;
pub use postgres::PgDirectory;

/// Refuses values that no directory keeps.
fn check_value(value: &[u8]) -> Result<(), DirectoryError> {
    if value.is_empty() || value.len() > ClaimRequest::VALUE_BYTES_MAX {
        return Err(DirectoryError::BadValue);
    }
    Ok(())
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Claims whose event was found in the log.
    pub confirmed: usize,
    /// Orphans that were released.
    pub released: usize,
}

/// How many claims a sweep looks at in one go.
const SWEEP_PAGE: usize = 500;

/// Settles the unconfirmed claims made before `before`: those whose event `in_log` finds are
/// confirmed, the others released.
///
/// `before` lies so far back that no decision which could still use such a claim is under way: much
/// further than a decision may wait.
pub async fn sweep_orphans<F, T, E>(directory: &dyn Directory, before: Timestamp, in_log: F) -> Result<Swept, E>
where
    F: Fn(Claim) -> T,
    T: Future<Output = Result<bool, E>>,
    E: From<DirectoryError>,
{
    let mut swept = Swept::default();
    loop {
        let claims = directory.unconfirmed(before, SWEEP_PAGE).await?;
        let (seen, settled_before) = (claims.len(), swept);
        for claim in claims {
            if in_log(claim.clone()).await? {
                directory.confirm(claim.kind, &claim.value, claim.owner).await?;
                swept.confirmed += 1;
            } else if directory.sweep(&claim).await? {
                swept.released += 1;
            }
        }
        // A page on which nothing could be settled would come again.
        if seen < SWEEP_PAGE || swept == settled_before {
            return Ok(swept);
        }
    }
}
