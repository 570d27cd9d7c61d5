//! Requests at a steady rate, however long each takes: a wait begins when its request was due, so that a server
//! that is behind is not asked less.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::Instant;

use super::questions::Question;

/// Asks in turn, so many a second. The waits in milliseconds of each question.
pub async fn ask(
    client: &reqwest::Client,
    questions: &[Question],
    per_second: u32,
    lasts: Duration,
) -> anyhow::Result<Vec<Vec<f64>>> {
    let (begun, every) = (Instant::now(), Duration::from_secs(1) / per_second);
    let count = lasts.as_secs() as u32 * per_second;
    let mut under_way = Vec::with_capacity(count as usize);
    for number in 0..count {
        let due = begun + every * number;
        tokio::time::sleep_until(due).await;
        let (which, turn) = (number as usize % questions.len(), number as usize / questions.len());
        let (url, key) = questions[which].at(turn);
        let client = client.clone();
        let task = async move {
            get(&client, &url, &key).await?;
            anyhow::Ok((which, due.elapsed().as_secs_f64() * 1e3))
        };
        under_way.push(tokio::spawn(task));
    }
    let mut waits = vec![Vec::new(); questions.len()];
    for asked in under_way {
        let (which, wait) = asked.await??;
        waits[which].push(wait);
    }
    Ok(waits)
}

/// One request that must go well, read to its end.
pub async fn get(client: &reqwest::Client, url: &str, key: &str) -> anyhow::Result<()> {
    let answer = client.get(url).bearer_auth(key).send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    ensure!(status == 200, "{url}: {status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}
