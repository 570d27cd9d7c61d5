//! The read side at size: a server on a history of a hundred thousand accounts, asked at a steady rate, and its
//! read models made anew.

mod questions;
mod rate;
mod site;

use std::time::Duration;

use anyhow::Context as _;
use mintmark_projections::Projection;
use mintmark_projections::generation::GenerationProjection;
use mintmark_projections::people::PeopleProjection;
use mintmark_projections::search::SearchProjection;

use crate::projections;
use crate::report::{Report, median, percentile};
use questions::Question;
use site::Site;

/// How often everything is asked, one round after the other.
const ROUNDS: usize = 5;
/// How long a round takes.
const LASTS: Duration = Duration::from_secs(20);
/// How many requests begin in a second.
const PER_SECOND: u32 = 200;
/// What everything is compared to.
const BASELINE: &str = "`GET /healthz`";
/// How often each far page is asked for.
const FAR_ASKED: usize = 5;

/// Tells a history, or takes the one that [`Site::open`] finds, and measures.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let site = Site::open(report).await?;
    let server = site.serve().await?;
    let questions = questions::all(&site.cast, server.address);
    eprintln!("  asking, not counted");
    rate::ask(&site.client, &questions, PER_SECOND, LASTS).await?;
    let mut rounds: Vec<Vec<Vec<f64>>> = vec![Vec::new(); questions.len()];
    for round in 1..=ROUNDS {
        eprintln!("  asking, round {round} of {ROUNDS}");
        let waits = rate::ask(&site.client, &questions, PER_SECOND, LASTS).await?;
        rounds.iter_mut().zip(waits).for_each(|(rounds, waits)| rounds.push(waits));
    }
    say(report, &questions, &rounds)?;
    far(report, &site, &server).await?;
    server.stop().await?;
    anew(report, &site).await?;
    site.close().await
}

/// Medians over the rounds of each question's median and p99, beside those of the baseline.
fn say(report: &mut Report, questions: &[Question], rounds: &[Vec<Vec<f64>>]) -> anyhow::Result<()> {
    let over = |rounds: &[Vec<f64>], share: f64| -> f64 {
        median(rounds.iter().map(|waits| percentile(waits.clone(), share)).collect())
    };
    let at = questions.iter().position(|question| question.what == BASELINE).context("the baseline")?;
    let base = over(&rounds[at], 0.99);
    for (question, rounds) in questions.iter().zip(rounds) {
        let (half, most) = (over(rounds, 0.5), over(rounds, 0.99));
        let measured = format!("median {half:.1} ms, p99 {most:.1} ms, {:.1} × the baseline", most / base);
        report.line(&format!("{PER_SECOND} requests/s: {}", question.what), &measured, question.target);
    }
    Ok(())
}

/// Pages far down, one after the other.
async fn far(report: &mut Report, site: &Site, server: &crate::http::Child) -> anyhow::Result<()> {
    for (what, path) in questions::far(&site.cast) {
        let mut waits = Vec::new();
        for _ in 0..FAR_ASKED {
            let begun = std::time::Instant::now();
            rate::get(&site.client, &format!("http://{}{path}", server.address), &site.cast.follows_many.key).await?;
            waits.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        report.line(&what, &format!("median {:.0} ms", median(waits)), "");
    }
    Ok(())
}

/// Makes the read models of what is asked here anew, each against COPY of its rows.
async fn anew(report: &mut Report, site: &Site) -> anyhow::Result<()> {
    let search = SearchProjection::new(site.vault().await?);
    let all: [&dyn Projection; 3] = [&GenerationProjection, &PeopleProjection, &search];
    for projection in all {
        projections::replay(report, site.database(), &site.copies()?, projection).await?;
    }
    Ok(())
}
