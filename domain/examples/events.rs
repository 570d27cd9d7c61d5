//! Writes `docs/EVENTS.md`: `cargo run -p mintmark-domain --example events > docs/EVENTS.md`.

fn main() {
    print!("{}", mintmark_domain::event_book::markdown());
}
