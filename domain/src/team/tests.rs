use crate::event_book::sample_id;
use crate::ids::{AccountId, SealedId};
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};

use super::*;

fn account(name: &str) -> AccountId {
    AccountId(sample_id(name))
}

fn invite(claim: &str) -> InviteCode {
    InviteCode { claim: claim.to_owned(), code: SealedId(sample_id(claim)) }
}

fn create() -> TeamCommand {
    TeamCommand::Create(Box::new(CreatedTeam {
        number: 1,
        name: "Us".to_owned(),
        owner: account("owner"),
        user_id: 1,
        invite: invite("first"),
        at: at(0),
    }))
}

fn add(name: &str, by: &str) -> TeamCommand {
    TeamCommand::Add { account: account(name), user_id: 2, by: account(by), at: at(1) }
}

fn join(name: &str, claim: &str) -> TeamCommand {
    TeamCommand::Join { account: account(name), user_id: 3, claim: claim.to_owned(), at: at(1) }
}

fn leave(name: &str) -> TeamCommand {
    TeamCommand::Leave { account: account(name), at: at(2) }
}

fn remove(name: &str, by: &str) -> TeamCommand {
    TeamCommand::Remove { account: account(name), by: account(by), at: at(2) }
}

fn hand_over(to: &str, by: &str) -> TeamCommand {
    TeamCommand::HandOver { to: account(to), by: account(by), at: at(2) }
}

fn set_purse(by: &str, limit: &str) -> TeamCommand {
    TeamCommand::SetPurse { purse: Purse { pays: true, member_limit: c(limit) }, by: account(by), at: at(2) }
}

/// What carries an act out; of the rest the team is only asked.
fn command(act: Act, by: &str) -> Option<TeamCommand> {
    Some(match act {
        Act::See | Act::Create | Act::Fund | Act::Spend => return None,
        Act::Add => add("new", by),
        Act::Join => join(by, "first"),
        Act::Leave => leave(by),
        Act::Remove => remove("other", by),
        Act::RenewInvite => TeamCommand::RenewInvite { invite: invite("second"), by: account(by), at: at(2) },
        Act::Rename => TeamCommand::Rename { name: "We".to_owned(), by: account(by), at: at(2) },
        Act::HandOver => hand_over("other", by),
        Act::SetPurse => set_purse(by, "10"),
    })
}

#[test]
fn the_table_says_who_may_do_what() {
    for (who, role) in [("owner", Role::Owner), ("member", Role::Member), ("stranger", Role::Stranger)] {
        let before = [create(), add("member", "owner"), add("other", "owner")];
        assert_eq!(state::<Team>(before.clone()).role(account(who)), role);
        for act in Act::ALL {
            let team = state::<Team>(before.clone());
            let decided = match command(act, who) {
                Some(command) => crate::es::Aggregate::decide(&team, command).map(drop),
                None => team.for_act(account(who), act).map(drop),
            };
            let refused = matches!(decided, Err(TeamError::OwnersAct | TeamError::NotFound));
            assert_eq!(refused, !role.may(act), "{role:?} {act:?}");
            if refused {
                let expected = if role == Role::Stranger { TeamError::NotFound } else { TeamError::OwnersAct };
                assert_eq!(decided, Err(expected), "a stranger is told of no team");
            }
        }
    }
    assert_eq!(RIGHTS.len(), Act::ALL.len(), "every act has a row");
    assert!(Act::ALL.iter().all(|act| RIGHTS.iter().any(|(of, roles)| of == act && !roles.is_empty())));
}

#[test]
fn saying_it_twice_changes_nothing() {
    said_twice_is_no_new_fact::<Team>([], create());
    said_twice_is_no_new_fact::<Team>([create()], add("member", "owner"));
    said_twice_is_no_new_fact::<Team>([create()], join("member", "first"));
    for act in [Act::RenewInvite, Act::Rename, Act::SetPurse] {
        said_twice_is_no_new_fact::<Team>([create()], command(act, "owner").unwrap());
    }
}

#[test]
fn the_owner_hands_over_before_leaving_and_the_last_one_closes_the_door() {
    let two = [create(), add("member", "owner")];
    given::<Team>(two.clone()).when(leave("owner")).then_expect_error(TeamError::OwnerStays);
    given::<Team>(two.clone()).when(remove("owner", "owner")).then_expect_error(TeamError::OwnerStays);
    let handed = [create(), add("member", "owner"), hand_over("member", "owner"), leave("owner")];
    let team = state::<Team>(handed.clone());
    assert_eq!((team.role(account("member")), team.role(account("owner"))), (Role::Owner, Role::Stranger));
    assert_eq!(team.live().unwrap().user_id, 2);
    let left = TeamEvent::MemberLeft { account: account("member"), at: at(2) };
    given::<Team>(handed.clone())
        .when(leave("member"))
        .then_expect_events(vec![left, TeamEvent::Archived { at: at(2) }]);
    let closed = handed.into_iter().chain([leave("member")]);
    given::<Team>(closed).when(join("member", "first")).then_expect_error(TeamError::BadInvite);
}

#[test]
fn only_the_present_code_opens_the_door() {
    given::<Team>([create()]).when(join("member", "another")).then_expect_error(TeamError::BadInvite);
    let renewed = [create(), command(Act::RenewInvite, "owner").unwrap()];
    given::<Team>(renewed.clone()).when(join("member", "first")).then_expect_error(TeamError::BadInvite);
    let joined = TeamEvent::MemberJoined { account: account("member"), user_id: 3, how: Joined::Invited, at: at(1) };
    given::<Team>(renewed).when(join("member", "second")).then_expect_events(vec![joined]);
    given::<Team>([]).when(join("member", "first")).then_expect_error(TeamError::BadInvite);
}

#[test]
fn a_team_has_so_many_members_and_no_more() {
    let full = (1..Team::MEMBERS_MAX).map(|n| add(&format!("m{n}"), "owner"));
    let full: Vec<_> = std::iter::once(create()).chain(full).collect();
    assert_eq!(state::<Team>(full.clone()).members().len(), Team::MEMBERS_MAX);
    given::<Team>(full.clone()).when(join("late", "first")).then_expect_error(TeamError::TooMany);
    given::<Team>(full).when(add("late", "owner")).then_expect_error(TeamError::TooMany);
}

#[test]
fn who_is_named_has_to_belong_to_it() {
    given::<Team>([create()]).when(remove("stranger", "owner")).then_expect_error(TeamError::NoMember);
    given::<Team>([create()]).when(hand_over("stranger", "owner")).then_expect_error(TeamError::NoMember);
    given::<Team>([create()]).when(hand_over("owner", "owner")).then_expect_events(vec![]);
}

#[test]
fn what_a_member_may_spend_is_not_below_nothing() {
    given::<Team>([create()]).when(set_purse("owner", "-1")).then_expect_error(TeamError::BadLimit);
    let set = state::<Team>([create(), set_purse("owner", "0")]);
    assert_eq!(set.purse(), Purse { pays: true, member_limit: c("0") });
}

#[test]
fn a_teams_id_is_its_own() {
    let TeamCommand::Create(mut other) = create() else { panic!() };
    other.number = 2;
    given::<Team>([create()]).when(TeamCommand::Create(other)).then_expect_error(TeamError::OtherTeam);
}
