//! Reads one file into modules: what it defines, and every path that stands in it outside of tests.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    Attribute, ExprPath, Ident, ImplItem, Item, ItemExternCrate, ItemMod, ItemUse, Meta, MetaList, UseTree,
    Visibility,
};

use crate::tokens;
use crate::tree::{Address, Binding, Module, Name, StandsIn, Tree};

pub(crate) struct Reader<'a> {
    tree: &'a mut Tree,
    address: Address,
    file: PathBuf,
    /// The folder of the files of modules that are declared here.
    children: PathBuf,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tree: &'a mut Tree, address: Address, file: &Path, children: &Path) -> Reader<'a> {
        let file = file.strip_prefix(&tree.root).unwrap().to_owned();
        Reader { tree, address, file, children: children.to_owned() }
    }

    pub(crate) fn read(&mut self, syntax: &syn::File) {
        self.module();
        if !syntax.attrs.iter().any(is_for_tests) {
            self.visit_file(syntax);
        }
    }

    fn module(&mut self) -> &mut Module {
        let new = || Module { file: self.file.clone(), ..Module::default() };
        self.tree.modules.entry(self.address.clone()).or_insert_with(new)
    }

    fn bind(&mut self, word: &Ident, binding: Binding) {
        self.module().scope.entry(text(word)).or_default().push(binding);
    }

    fn name(&mut self, path: Vec<String>, span: Span, stands_in: StandsIn) {
        self.module().names.push(Name { path, line: span.start().line, stands_in });
    }

    /// Notes every leaf of a `use`, whose words so far are `path`.
    fn import(&mut self, tree: &UseTree, mut path: Vec<String>, stands_in: StandsIn) {
        let (word, alias) = match tree {
            UseTree::Path(part) => {
                path.push(text(&part.ident));
                return self.import(&part.tree, path, stands_in);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.import(item, path.clone(), stands_in));
            }
            UseTree::Glob(glob) => {
                self.module().globs.push(path.clone());
                return self.name(path, glob.star_token.spans[0], stands_in);
            }
            UseTree::Name(name) => (&name.ident, None),
            UseTree::Rename(rename) => (&rename.ident, Some(&rename.rename)),
        };
        // `a::{self}` imports `a`; a lone `self` is the module itself.
        if text(word) != "self" || path.is_empty() {
            path.push(text(word));
        }
        let bound = alias.map(text).or_else(|| path.last().cloned()).unwrap();
        if bound != "_" {
            self.module().scope.entry(bound).or_default().push(Binding::Alias(path.clone()));
        }
        self.name(path, word.span(), stands_in);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_for_tests) {
            return;
        }
        match item {
            Item::Const(item) => self.bind(&item.ident, Binding::Definition),
            Item::Enum(item) => self.bind(&item.ident, Binding::Definition),
            Item::Fn(item) => self.bind(&item.sig.ident, Binding::Definition),
            Item::Static(item) => self.bind(&item.ident, Binding::Definition),
            Item::Struct(item) => self.bind(&item.ident, Binding::Definition),
            Item::Trait(item) => self.bind(&item.ident, Binding::Definition),
            Item::TraitAlias(item) => self.bind(&item.ident, Binding::Definition),
            Item::Union(item) => self.bind(&item.ident, Binding::Definition),
            Item::Macro(item) => item.ident.iter().for_each(|ident| self.bind(ident, Binding::Definition)),
            Item::Type(item) => {
                self.bind(&item.ident, Binding::Definition);
                // What is called through the alias is called on the type that it stands for.
                if let syn::Type::Path(aliased) = &*item.ty {
                    self.bind(&item.ident, Binding::Alias(words(&aliased.path)));
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = text(&item.ident);
        let address = [&self.address[..], std::slice::from_ref(&name)].concat();
        let children = self.children.join(&name);
        if let Some((_, items)) = &item.content {
            let file = self.tree.root.join(&self.file);
            let mut inner = Reader::new(self.tree, address, &file, &children);
            inner.module();
            items.iter().for_each(|item| inner.visit_item(item));
        } else {
            let file = Tree::child_file(&self.children, &name);
            self.tree.read_file(address, &file, &children);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let start = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
        let stands_in = match item.vis {
            Visibility::Inherited => StandsIn::Import,
            _ => StandsIn::Reexport,
        };
        self.import(&item.tree, start, stands_in);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        let name = text(&item.ident);
        let path = if name == "self" { vec!["crate".to_owned()] } else { vec![String::new(), name] };
        let bound = item.rename.as_ref().map_or(&item.ident, |(_, rename)| rename);
        self.bind(bound, Binding::Alias(path.clone()));
        self.name(path, item.ident.span(), StandsIn::Import);
    }

    /// `<SystemTime>::now` means what `SystemTime::now` does.
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(of) = &path.qself
            && let syn::Type::Path(of) = &*of.ty
            && let (Some(first), Some(last)) = (of.path.segments.first(), path.path.segments.last())
        {
            let path = [words(&of.path), vec![text(&last.ident)]].concat();
            self.name(path, first.ident.span(), StandsIn::Code);
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let first = path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span());
        self.name(words(path), first, StandsIn::Code);
        visit::visit_path(self, path);
    }

    /// `pub(in crate::push)` says who may see an item; it imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    /// An attribute's strings may be paths, as in `#[serde(with = "crate::files")]`.
    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.visit_path(&list.path);
        tokens::strings(&list.tokens, &mut |path| {
            self.name(words(&path), list.path.segments[0].ident.span(), StandsIn::Code)
        });
        self.visit_token_stream(&list.tokens);
    }

    /// What a macro is given, and everything else that has no syntax tree.
    fn visit_token_stream(&mut self, stream: &'ast TokenStream) {
        tokens::paths(stream, &mut |found| match found {
            tokens::Found::Path(path, span) => self.name(path, span, StandsIn::Code),
            tokens::Found::Use(item) => self.visit_item_use(&item),
        });
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether the attribute compiles what it stands on for tests alone, of which fuzz targets are some.
fn is_for_tests(attribute: &Attribute) -> bool {
    fn implies_test(condition: &Meta) -> bool {
        let parts = |list: &MetaList| {
            let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
            list.parse_args_with(parser).unwrap_or_default()
        };
        match condition {
            Meta::Path(path) => path.is_ident("test") || path.is_ident("fuzzing"),
            Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(implies_test),
            Meta::List(list) if list.path.is_ident("any") => parts(list).iter().all(implies_test),
            _ => false,
        }
    }
    attribute.path().is_ident("cfg") && attribute.parse_args().is_ok_and(|condition| implies_test(&condition))
}

/// The words of a path; the first is empty where the path starts with `::`.
pub(crate) fn words(path: &syn::Path) -> Vec<String> {
    let start = path.leading_colon.as_ref().map(|_| String::new());
    start.into_iter().chain(path.segments.iter().map(|segment| text(&segment.ident))).collect()
}

/// The word without its `r#`.
pub(crate) fn text(word: &Ident) -> String {
    word.unraw().to_string()
}
