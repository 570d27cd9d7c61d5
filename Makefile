# The commands of this repository. `make run` and `make test` install what is missing.
.PHONY: help run test check bench setup

help: ## Shows this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

run: ## Starts the server on 127.0.0.1:8080 with its own Postgres in ./data.
	@scripts/setup run
	@cargo build --release --locked --bin mintmark
	@exec target/release/mintmark serve

test: ## Runs every test.
	@scripts/setup test
	@scripts/test

check: ## Formatting, lints, documentation, dependencies.
	@scripts/setup check
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --features failpoints -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	scripts/deny

bench: ## Measures; writes docs/BENCHMARKS.md.
	@scripts/setup run
	@cargo bench --locked --bench speed

setup: ## Installs what running, testing and checking need.
	@scripts/setup test
	@scripts/setup check
