//! The reference in `docs/`, made from the declarations: an index, and a page for each category.

use engine::Command;
use engine::command::Category;

use crate::core::help_page;

/// A page of the reference: its file name, and its text.
pub struct Page {
    pub file: String,
    pub text: String,
}

/// All pages. A test holds `docs/reference` against them.
pub fn pages() -> Vec<Page> {
    let mut commands = crate::all();
    commands.sort_by_key(|command| (command.category, command.name));
    let mut index = String::from("# Reference\n\nAll commands, made from their declarations.\n");
    let mut pages: Vec<Page> = Vec::new();
    let mut of: Option<Category> = None;
    for command in commands {
        let file = format!("{}.md", slug(command.category));
        if of != Some(command.category) {
            of = Some(command.category);
            index.push_str(&format!("\n## {}\n\n", command.category.title()));
            pages.push(Page { file: file.clone(), text: format!("# {}\n", command.category.title()) });
        }
        index.push_str(&format!(
            "- [`{}`]({file}#{}): {}\n",
            command.name,
            command.name.replace(' ', "-"),
            command.summary
        ));
        if let Some(page) = pages.last_mut() {
            page.text.push_str(&section(command));
        }
    }
    pages.push(Page { file: "index.md".into(), text: index });
    pages
}

fn section(command: &Command) -> String {
    format!("\n## {}\n\n```text\n{}\n```\n", command.name, help_page(command, 100))
}

fn slug(category: Category) -> String {
    category.title().to_lowercase().replace(" and ", "-").replace(' ', "-")
}
