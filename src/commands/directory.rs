//! `mintmark rebuild directory`, and the comparison of the directory with the log in `audit verify`.

use mintmark_domain::Shard;
use mintmark_domain::ports::{Claim, Directory as _, IntegerKind};
use mintmark_log::directory::{BlockStore as _, FromLog, PgBlocks, PgDirectory, is_in_log};

use super::progress::Progress;
use crate::audit::Finding;
use crate::compose::{Platform, events_in};

/// How many claims are compared at once.
const PAGE_CLAIMS: usize = 2_000;
/// How many differences are named.
const FINDINGS_MAX: usize = 100;

async fn read(platform: &Platform) -> anyhow::Result<FromLog> {
    let progress = Progress::new("directory", events_in(&*platform.log, platform.shards()).await?);
    let found = FromLog::read(&*platform.log, platform.shards(), |more| progress.advance(more)).await?;
    progress.done();
    Ok(found)
}

fn directory(platform: &Platform) -> PgDirectory {
    PgDirectory::new(platform.pool.clone(), platform.core.clock.clone())
}

/// Enters what the log says, beside running servers or without any. What the log does not know is left
/// to the sweep: its event may be on the way.
pub async fn rebuild(platform: &Platform, skip_ids: u32) -> anyhow::Result<()> {
    let found = read(platform).await?;
    let mut claims = found.owned().map(|owned| owned.claim.clone());
    let contested = directory(platform).rebuild(&mut claims).await?;
    let entered = found.enter_integers(&*platform.core.integers).await?;
    if skip_ids > 0 {
        let blocks = PgBlocks::new(platform.pool.clone());
        for kind in IntegerKind::ALL {
            // Set aside and never given out.
            blocks.set_aside(kind, Shard::ZERO, skip_ids.into()).await?;
        }
    }
    println!("directory: {} names and keys entered, {entered} integer ids were missing", found.owned().count());
    for claim in contested.iter().chain(found.contested().iter().map(|owned| &owned.claim)) {
        println!("  two own one {}: {} came second", claim.kind.as_str(), claim.owner);
    }
    Ok(())
}

/// Where the directory differs from the log. Accounts and keys come and go meanwhile, so each difference
/// is looked at once more by itself.
pub async fn compare(platform: &Platform) -> anyhow::Result<Vec<Finding>> {
    let found = read(platform).await?;
    let directory = directory(platform);
    let mut findings: Vec<Finding> = found
        .contested()
        .iter()
        .map(|owned| {
            let (kind, owner) = (owned.claim.kind.as_str(), owned.claim.owner);
            let what = format!("account {owner} has a {kind} that another account had before");
            Finding { place: Some(owned.place), what }
        })
        .collect();
    let mut last: Option<Claim> = None;
    loop {
        let page = directory.walk(last.as_ref(), PAGE_CLAIMS).await?;
        for claim in page.iter().filter(|claim| claim.confirmed) {
            let known = found.owner(claim.kind, &claim.value) == Some(claim.owner);
            if known || found.is_retired(claim.kind, &claim.value) || is_in_log(&*platform.log, claim).await? {
                continue;
            }
            let what = format!("the directory gives a {} to {}, the log does not", claim.kind.as_str(), claim.owner);
            findings.push(Finding { place: None, what });
        }
        if page.len() < PAGE_CLAIMS || findings.len() >= FINDINGS_MAX {
            break;
        }
        last = page.into_iter().next_back();
    }
    for owned in found.owned() {
        let (kind, owner) = (owned.claim.kind, owned.claim.owner);
        let claim = directory.find(kind, &owned.claim.value).await?;
        if claim.as_ref().is_some_and(|claim| claim.owner == owner) || findings.len() >= FINDINGS_MAX {
            continue;
        }
        // Revoked since the log was read: then it is right that the directory lets it go.
        let said = Claim {
            kind,
            value: owned.claim.value.clone(),
            owner,
            reference: None,
            claimed_at: platform.core.clock.now(),
            confirmed: true,
        };
        if is_in_log(&*platform.log, &said).await? {
            let holder = claim.map_or_else(|| "nobody".to_owned(), |claim| claim.owner.to_string());
            let what = format!("the {} of account {owner} is {holder}'s in the directory", kind.as_str());
            findings.push(Finding { place: Some(owned.place), what });
        }
    }
    Ok(findings)
}
