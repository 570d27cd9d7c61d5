//! A page's tree, of bounded work: what pages say is markup by anybody, and the rules of HTML let a small
//! page ask for a very large tree.

use std::cell::Cell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{LocalName, local_name};
use scraper::{Html, HtmlTreeSink};

/// The most nodes of a tree.
const NODES_MAX: usize = 100_000;
/// The most work of a page: each of its tags may have to be looked up in all elements that are open, and
/// counts as many as the deepest node by then lies deep. Pages are some dozens deep.
const WORK_MAX: u64 = 20_000_000;

/// The tree of a page, as far as its work is allowed: what stands after that is left out.
pub(super) fn tree(page: &str) -> Html {
    let builder = TreeBuilder::new(HtmlTreeSink::new(Html::new_document()), TreeBuilderOpts::default());
    let bounded = Bounded { builder, work: Cell::new(0), depth: Cell::new(1) };
    let tokenizer = Tokenizer::new(bounded, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    // At a script's end the tokenizer stops, for a browser to run it; here nothing runs.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    tokenizer.sink.builder.sink.finish()
}

/// The text of a piece of markup, its tags left out.
pub(super) fn text(markup: &str) -> String {
    let tree = tree(markup);
    let texts = tree.tree.root().descendants().filter_map(|node| node.value().as_text().map(|text| &**text));
    texts.collect::<Vec<&str>>().join(" ")
}

type Node = <HtmlTreeSink as TreeSink>::Handle;

struct Bounded {
    builder: TreeBuilder<Node, HtmlTreeSink>,
    work: Cell<u64>,
    /// How deep the deepest node lies.
    depth: Cell<u64>,
}

impl Bounded {
    /// Counts a token, and answers whether the page may go on.
    fn goes_on(&self) -> bool {
        if self.work.get() > WORK_MAX {
            return false;
        }
        let tree = &self.builder.sink.0.borrow().tree;
        let newest = tree.nodes().next_back().map_or(0, |node| node.ancestors().count() as u64);
        self.depth.set(self.depth.get().max(newest));
        self.work.set(self.work.get().saturating_add(self.depth.get()));
        self.work.get() <= WORK_MAX && tree.nodes().len() < NODES_MAX
    }
}

impl TokenSink for Bounded {
    type Handle = Node;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Self::Handle> {
        let goes_on = self.goes_on();
        match token {
            Token::EOFToken => self.builder.process_token(token, line),
            _ if !goes_on => TokenSinkResult::Continue,
            Token::TagToken(tag) => self.builder.process_token(Token::TagToken(plain(tag)), line),
            other => self.builder.process_token(other, line),
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Elements that say how words look are opened again in every paragraph after one that they were not
/// closed in, any number of them: a page's size to the square. Nothing is read from how words look.
fn plain(tag: Tag) -> Tag {
    let looks = matches!(
        tag.name,
        local_name!("b")
            | local_name!("big")
            | local_name!("code")
            | local_name!("em")
            | local_name!("font")
            | local_name!("i")
            | local_name!("nobr")
            | local_name!("s")
            | local_name!("small")
            | local_name!("strike")
            | local_name!("strong")
            | local_name!("tt")
            | local_name!("u")
    );
    if looks { Tag { name: LocalName::from("span"), ..tag } } else { tag }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(page: &str) -> usize {
        tree(page).tree.nodes().len()
    }

    #[test]
    fn elements_that_are_opened_again_and_again_make_no_larger_tree_than_the_page() {
        let bold: String = (0..2_000).map(|number| format!("<b a{number}>")).collect();
        let page = format!("<p>{bold}{}", "<p>x".repeat(20_000));
        assert!(nodes(&page) < 50_000, "{}", nodes(&page));
    }

    #[test]
    fn the_deepest_page_is_cut_and_what_stands_before_is_read() {
        let end = "</x>".repeat(500_000);
        let deep = format!("<title>A mug</title>{}{end}", "<div>".repeat(500_000));
        assert!(nodes(&deep) < 10_000, "each tag is looked up in all before it");
        let spans = format!("<title>A mug</title>{}{end}", "<span>".repeat(30_000));
        let tree = tree(&spans);
        assert!(tree.tree.nodes().len() < 10_000);
        assert!(tree.tree.values().any(|node| node.as_text().is_some_and(|text| &**text == "A mug")));
    }

    #[test]
    fn a_flat_page_is_read_up_to_so_many_nodes() {
        assert!(nodes(&"<i>x</i>".repeat(10_000)) > 20_000);
        assert!(nodes(&"<i>x</i>".repeat(60_000)) <= NODES_MAX + 10);
    }

    #[test]
    fn a_script_ends_where_it_ends_and_the_page_goes_on() {
        let tree = tree("<script>if (1 < 2) { f('<b>') }</script><p>after</p><script></script>");
        let texts: Vec<&str> = tree.tree.values().filter_map(|node| node.as_text().map(|text| &**text)).collect();
        assert_eq!(texts, ["if (1 < 2) { f('<b>') }", "after"]);
    }

    #[test]
    fn markup_in_a_description_is_left_out_of_its_text() {
        assert_eq!(
            text("A <b>large</b> mug &amp; more").split_whitespace().collect::<Vec<_>>().join(" "),
            "A large mug & more"
        );
    }
}
