//! Product pages: fetched through the guard, parsed, remembered for a while for each account.
//!
//! [`parse_product`] is pure: a page's text in, what it says of a product out. [`Products`] fetches and
//! remembers; [`Extractor`] carries out the runs that ask for a page alone.

mod cache;
mod charset;
mod jsonld;
mod markup;
mod page;
mod parse;
mod price;
mod provider;
mod reader;
mod sample;
#[cfg(test)]
mod tests;

pub use cache::{CacheError, PageCache, SCHEMA};
pub use parse::{Product, parse_product};
pub use provider::{EXTRACTOR, Extractor};
pub use reader::{Products, ProductsSettings};
pub use sample::product_sample;
