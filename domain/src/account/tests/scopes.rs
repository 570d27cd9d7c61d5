//! What a key may do.

use super::*;

#[test]
fn every_scope_is_read_by_its_name() {
    for scope in Scope::ALL {
        assert_eq!(scope.as_str().parse(), Ok(*scope));
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
    }
    assert_eq!("runs:write".parse::<Scope>(), Err(UnknownScope("runs:write".into())));
}

#[test]
fn a_coarse_scope_stands_for_its_fine_ones() {
    let reads: Vec<_> = Scope::ALL.iter().filter(|scope| scope.as_str().ends_with(":read")).copied().collect();
    for scope in reads {
        assert_eq!(Scopes::only([Scope::Read]).allow(scope), scope != Scope::AuditRead, "{scope}");
    }
    assert!(!Scopes::only([Scope::Read]).allow(Scope::ImagesWrite));
    assert!(Scopes::only([Scope::Generate]).allow(Scope::BatchesWrite));
    assert!(!Scopes::only([Scope::Generate]).allow(Scope::WebhooksWrite));
    assert!(Scopes::only([Scope::Write]).allow(Scope::KeysWrite));
    assert!(!Scopes::only([Scope::Write]).allow(Scope::VideosWrite));
}

#[test]
fn a_coarse_scope_is_allowed_only_by_all_that_it_stands_for() {
    let all_but_one = Scope::Generate.expanded().iter().copied().skip(1);
    assert!(!Scopes::only(all_but_one).allow(Scope::Generate));
    assert!(Scopes::only(Scope::Generate.expanded().iter().copied()).allow(Scope::Generate));
}

#[test]
fn full_access_is_everything_but_the_operator_s() {
    for scope in Scope::ALL {
        assert_eq!(Scopes::Full.allow(*scope), !scope.is_operators(), "{scope}");
    }
    assert!(!Scopes::Full.cover(&Scopes::only([Scope::Admin])));
    assert!(Scopes::Full.cover(&Scopes::Full));
    assert!(!Scopes::only([Scope::Read, Scope::Write, Scope::Generate]).cover(&Scopes::Full));
}

#[test]
fn a_list_of_scopes_is_sorted_and_names_each_once() {
    let scopes = Scopes::only([Scope::VideosWrite, Scope::AccountRead, Scope::VideosWrite]);
    assert_eq!(scopes.names(), ["account:read", "videos:write"]);
    assert!(Scopes::Full.names().is_empty());
}
