//! `mintmark catalog`

use std::process::ExitCode;

use mintmark_domain::catalog::Catalog;

use crate::cli::CatalogCommand;
use crate::compose::catalog_sources;

pub fn run(command: CatalogCommand) -> anyhow::Result<ExitCode> {
    let CatalogCommand::Check { directory } = command;
    match Catalog::load(&catalog_sources(directory.as_deref())?) {
        Ok(catalog) => {
            say!(
                "{} models, {} generators, {} workflows, {} voices, {} price books: nothing wrong",
                catalog.models().count(),
                catalog.generators().count(),
                catalog.workflows().count(),
                catalog.voices().count(),
                catalog.prices().iter().count(),
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in &problems {
                say!("{problem}");
            }
            say!("{} problems", problems.len());
            Ok(ExitCode::FAILURE)
        }
    }
}
