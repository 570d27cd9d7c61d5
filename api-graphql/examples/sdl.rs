//! Prints the schema: `cargo run -p mintmark-api-graphql --example sdl > api-graphql/schema.graphql`.

fn main() {
    print!("{}", mintmark_api_graphql::sdl());
}
