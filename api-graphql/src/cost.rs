//! What fields cost before anything is read. A field that asks the log or the read models costs something by
//! itself, whatever is wanted of its answer; any other costs 1.

/// One value that is looked up by its key: a count, a prompt.
pub(crate) const VALUE: usize = 3;
/// One thing, with what belongs to it.
pub(crate) const OBJECT: usize = 10;
/// A page, or a list, besides its rows.
pub(crate) const LIST: usize = 50;
/// A search, besides its rows.
pub(crate) const SEARCH: usize = 500;

/// For how many rows a list of an account's own is taken that has no pages: most have no more.
pub(crate) const FEW: usize = 5;
/// For how many rows a list of the catalog is taken: what is wanted of them is at hand.
pub(crate) const CATALOG: usize = 20;

/// More than any request may cost, and so little that no sum or product of such runs over.
const TOO_MUCH: usize = 1_000_000;

/// One thing with what is wanted of it.
pub(crate) fn one(child: usize) -> usize {
    OBJECT + child
}

/// A list, with what is wanted of its rows.
pub(crate) fn rows(rows: usize, child: usize) -> usize {
    rows.saturating_mul(child).saturating_add(LIST).min(TOO_MUCH)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
    use async_graphql::{ServerError, ValidationResult};

    use super::*;
    use crate::server::{LIMITS, builder, sdl};

    /// Says what a document costs in place of executing it.
    struct Priced;

    impl ExtensionFactory for Priced {
        fn create(&self) -> Arc<dyn Extension> {
            Arc::new(Priced)
        }
    }

    #[async_trait::async_trait]
    impl Extension for Priced {
        async fn validation(
            &self,
            ctx: &ExtensionContext<'_>,
            next: NextValidation<'_>,
        ) -> Result<ValidationResult, Vec<ServerError>> {
            let checked = next.run(ctx).await?;
            Err(vec![ServerError::new(checked.complexity.to_string(), None)])
        }
    }

    async fn cost_of(query: &str) -> usize {
        let unbounded =
            builder().limit_complexity(usize::MAX).limit_depth(usize::MAX).limit_recursive_depth(usize::MAX);
        let schema = unbounded.extension(Priced).finish();
        let said = schema.execute(query).await.errors.remove(0).message;
        said.parse().unwrap_or_else(|_| panic!("{query}: {said}"))
    }

    #[tokio::test]
    async fn every_query_that_asks_the_database_costs_something_by_itself() {
        let at_hand = ["model", "generator", "chargingRules"];
        let schema = async_graphql::parser::parse_schema(sdl()).unwrap();
        let queries = schema.definitions.iter().find_map(|definition| match definition {
            TypeSystemDefinition::Type(named) if named.node.name.node == "Query" => Some(&named.node.kind),
            _ => None,
        });
        let Some(TypeKind::Object(queries)) = queries else { panic!("no queries") };
        for query in &queries.fields {
            let mut arguments = Vec::new();
            for argument in &query.node.arguments {
                let value = match argument.node.ty.node.to_string().as_str() {
                    "ID!" | "String!" => "\"x\"",
                    "Long!" => "1",
                    "DateTime!" => "\"2026-01-01T00:00:00Z\"",
                    _ if argument.node.name.node == "first" => "1",
                    _ => continue,
                };
                arguments.push(format!("{}: {value}", argument.node.name.node));
            }
            let name = &query.node.name.node;
            let with = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
            let cost = cost_of(&format!("{{ {name}{with} {{ __typename }} }}")).await;
            let paged = arguments.iter().any(|argument| argument == "first: 1");
            let least = match name.as_str() {
                name if at_hand.contains(&name) => 1,
                "searchCreations" => SEARCH,
                _ if paged => LIST,
                _ => OBJECT,
            };
            assert!(cost >= least, "{name} costs {cost}");
        }
        assert!(queries.fields.len() > 20);
    }

    #[tokio::test]
    async fn what_asks_the_database_for_each_row_costs_for_each_row() {
        let row = async |field: &str| {
            let of = async |rows| {
                cost_of(&format!("{{ publicFeed(first: {rows}) {{ edges {{ node {{ {field} }} }} }} }}")).await
            };
            of(2).await - of(1).await - 2
        };
        for field in ["prompt", "fields", "commentCount"] {
            assert_eq!(row(field).await, VALUE, "{field}");
        }
        assert_eq!(row("rating { count }").await, VALUE + 1);
        assert_eq!(row("typedFields { name }").await, VALUE + 1);
        assert_eq!(row("comments(first: 1) { __typename }").await, LIST);
        let of = async |object: &str, field: &str| {
            cost_of(&format!("{{ {object} {{ {field} }} }}")).await
                - cost_of(&format!("{{ {object} {{ __typename }} }}")).await
        };
        let (user, first) = ("user(username: \"x\")", "(first: 1) { __typename }");
        for field in ["creationCount", "followerCount", "followingCount", "followedByMe"] {
            assert_eq!(of(user, field).await, VALUE, "{field}");
        }
        for (object, field) in [
            (user, "creations"),
            (user, "followers"),
            (user, "following"),
            ("wallet", "transactions"),
            ("team(number: 1)", "creations"),
            ("batch(id: \"x\")", "items"),
            ("webhookEndpoint(id: \"x\")", "deliveries"),
        ] {
            assert_eq!(of(object, &format!("{field}{first}")).await, LIST, "{object} {field}");
        }
        for (object, field) in [
            ("viewer", "apiKeys"),
            ("viewer", "oAuthClients"),
            ("team(number: 1)", "members"),
            ("team(number: 1)", "wallet"),
        ] {
            assert_eq!(of(object, &format!("{field} {{ __typename }}")).await, LIST, "{object} {field}");
        }
        for field in ["joinedAt", "creationCount", "followerCount", "followingCount"] {
            assert_eq!(of("viewer", field).await, VALUE, "{field}");
        }
        let items = async |field: &str| {
            cost_of(&format!("{{ batch(id: \"x\") {{ items(first: 1) {{ edges {{ node {{ {field} }} }} }} }} }}")).await
        };
        assert_eq!(items("run { __typename }").await - items("__typename").await, OBJECT);
        // Each of these is read by itself.
        for list in ["runs(first: 2)", "projects(first: 2)"] {
            assert_eq!(cost_of(&format!("{{ {list} {{ __typename }} }}")).await, LIST + 2 * OBJECT, "{list}");
        }
    }

    #[tokio::test]
    async fn no_nesting_is_so_deep_that_its_cost_runs_over() {
        let lists = "user(username: \"x\") { ".to_owned() + &"followers(first: 100) { edges { node { ".repeat(20);
        let query = format!("{{ {lists} username {} }}", "} } } ".repeat(20) + "}");
        assert!(cost_of(&query).await > LIMITS.cost);
    }

    #[tokio::test]
    async fn what_a_page_of_a_front_end_shows_is_within_the_limit() {
        let creation = "number status username generator model mediaType private license prompt fields createdAt \
                        file { url width height } commentCount rating { average count myScore }";
        let node = |node: &str| format!("edges {{ cursor node {{ {node} }} }} pageInfo {{ hasNextPage endCursor }}");
        let comments = format!("comments(first: 3) {{ {} }}", node("number username text upvotes downvotes myVote"));
        for page in [
            format!("publicFeed(first: 100) {{ {} }}", node(creation)),
            format!(
                "publicFeed {{ {} }} viewer {{ username avatar }} wallet {{ available }}",
                node(&format!("{creation} {comments}"))
            ),
            format!(
                "user(username: \"x\") {{ username bio creationCount followerCount followedByMe creations {{ {} }} }}",
                node(creation)
            ),
            format!("searchCreations(query: \"x\", first: 50) {{ {} total totalCapped }}", node(creation)),
            format!(
                "runs(first: 100) {{ {} }}",
                node("id status prompt model price { amount } outputs { file { url } } createdAt")
            ),
            "generators { slug title description status imageInput preference { default options { value label } } \
             fields { name type description } models { slug name unitPrice } }"
                .to_owned(),
        ] {
            let cost = cost_of(&format!("{{ {page} }}")).await;
            assert!(cost <= LIMITS.cost, "{cost}: {page}");
        }
    }
}
