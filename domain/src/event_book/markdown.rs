//! The book as a page.

use std::fmt::Write;

use super::fields::{fields, meaning};
use super::questions::QUESTIONS;
use super::{Chapter, EventEntry, chapters};
use crate::es::{LEAF_FORMAT, SHARD_OPENED};

/// `docs/EVENTS.md`: generated, committed, and compared with the committed page by a test.
#[must_use]
pub fn markdown() -> String {
    let mut page = format!("{HEAD}\n{}\n", questions());
    page.push_str(&ROW.replace("{LEAF}", LEAF_FORMAT).replace("{SHARD_OPENED}", SHARD_OPENED));
    for chapter in chapters() {
        write_chapter(&mut page, &chapter);
    }
    page
}

const HEAD: &str = "\
# Events

Generated from the code by `cargo run -p mintmark-domain --example events > docs/EVENTS.md`; do not edit. \
A sample of every event, in the bytes in which it is written, stands in `domain/golden/`, one file for each type and \
version.

## What an auditor asks
";

const ROW: &str = "
## What a row holds

Every event is one row of the table `events`. Rows are written once and never changed.

| Column | Type | Meaning |
|---|---|---|
| `aggregate_type` | text | The kind of stream: the part of the event type before the dot |
| `aggregate_id` | text | The stream: a hyphenated UUID (version 8) that carries its shard in bits 52–63 |
| `sequence` | bigint | Its number in the stream, from 1, without gaps |
| `event_type` | text | Frozen name, as below |
| `event_version` | text | The version under which it was written |
| `payload` | json | The fields below, under the event's name in snake case; kept as the bytes that were written |
| `metadata` | json | See below; kept as the bytes that were written |
| `shard` | smallint | The shard, 0 to 4095 |
| `position` | bigint | Its place in the shard, without gaps, in commit order |
| `commit_id` | uuid | Events that became true together share it |
| `recorded_at` | bigint | When it was recorded: microseconds since 1970 UTC; never runs back within a shard |
| `leaf` | bytea | SHA-256 over all of the above, format v1 |

The row at position 0 of a shard is `{SHARD_OPENED}`: aggregate type `log`, sequence 0, its payload the shard's number. It belongs to no \
aggregate.

The first seven columns are those that a stock postgres-es repository reads.

### Metadata

| Field | Meaning |
|---|---|
| `correlation_id` | What all that one request caused has in common |
| `causation_id` | What caused this: a request's or an event's id |
| `actor` | Who acted: an account in its public form, or a part of the system (`runner`, `operator`) |
| `traceparent` | W3C trace context, where there is one |

### Leaf, format v1

SHA-256 over these fields in this order, each preceded by its length in bytes as a 64-bit big-endian number. Integers \
are 64-bit big-endian.

1. `{LEAF}`
2. shard
3. position
4. commit id, its 16 bytes
5. recorded at, microseconds since 1970 UTC, signed
6. aggregate type
7. aggregate id, its 16 bytes
8. sequence
9. event type
10. event version
11. payload, the bytes as written
12. metadata, the bytes as written

## How to read a field

An `id` is a UUID with hyphens. A `decimal` is a number in a string: exact, and where it counts credits, of at most 6 \
places. A `moment` is RFC 3339 in UTC, to the microsecond. Sealed is what stands encrypted in the table `sealed` under \
that id: prompts, texts and names never stand in an event. A field that may be absent is not written where it says \
nothing; a reader takes that as the default, and ignores fields that it does not know. A version that this release does not write and \
cannot bring up to date makes its stream unreadable, never misread.

The sides of a posting: `available` (what the wallet can spend), `held` (what it has set aside) and `receivable` (what \
its owner owes) are the wallet's; `issued_paid` (credits sold), `issued_free` (credits given), `transferred` (between \
wallets), `spent` (paid for generation), `expired` and `adjusted` (put right by the operator) are the house's. Summed \
over all postings of a wallet, what left the house's sides is what stands in the wallet's.
";

fn questions() -> String {
    let mut table = "| Question | Answer |\n|---|---|\n".to_owned();
    for question in QUESTIONS {
        let mut answers: Vec<String> = Vec::new();
        let mut last = "";
        for (event_type, path) in question.answers {
            match answers.last_mut() {
                Some(answer) if *event_type == last => {
                    let _ = write!(answer, ", `{path}`");
                }
                _ => answers.push(format!("`{event_type}`: `{path}`")),
            }
            last = event_type;
        }
        let and = Some(question.and.to_owned()).filter(|and| !and.is_empty());
        let answer: Vec<String> =
            Some(answers.join("; ")).filter(|fields| !fields.is_empty()).into_iter().chain(and).collect();
        let _ = writeln!(table, "| {} | {} |", question.asked, answer.join(". "));
    }
    table
}

fn write_chapter(page: &mut String, chapter: &Chapter) {
    let _ = write!(page, "\n## `{}`\n\n{}\n", chapter.aggregate_type, chapter.about);
    for entry in chapter.entries {
        write_entry(page, chapter, entry);
    }
}

fn write_entry(page: &mut String, chapter: &Chapter, entry: &EventEntry) {
    let version = chapter
        .samples
        .iter()
        .find(|sample| sample.event_type == entry.event_type)
        .map_or("", |sample| sample.event_version.as_str());
    let _ = write!(page, "\n### `{}` {version}\n\n{}\n", entry.event_type, entry.meaning);
    let fields = fields(chapter, entry.event_type);
    if fields.is_empty() {
        page.push_str("\nIt has no fields.\n");
        return;
    }
    page.push_str("\n| Field | Type | Written | Meaning |\n|---|---|---|---|\n");
    for field in fields {
        let kinds: Vec<&str> = field.kinds.iter().copied().collect();
        let written = if field.always { "always" } else { "may be absent" };
        let meaning = meaning(entry, &field.path).unwrap_or_default();
        let _ = writeln!(page, "| `{}` | {} | {written} | {meaning} |", field.path, kinds.join(" or "));
    }
}
