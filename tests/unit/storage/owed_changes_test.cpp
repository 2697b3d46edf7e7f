#include "storage/owed_changes.hpp"

#include <catch2/catch.hpp>

using namespace crosspoint::storage;
using Kind = MailboxChange::Kind;

namespace {

MailboxChange change(Kind kind, std::string identity, std::uint64_t id = 0, std::uint32_t lifetime = 0) {
  return {.kind = kind, .identity = std::move(identity), .id = id, .record = {lifetime, 1}};
}

}  // namespace

TEST_CASE("changes of a mailbox that wait to be written are what they amount to") {
  OwedChanges owed(10);
  for (std::uint64_t id = 1; id <= 1000; ++id) owed.add(change(Kind::remove, "ann", id));
  owed.add(change(Kind::remove, "ann", 7));
  owed.add(change(Kind::put, "ann", 0, 1));
  owed.add(change(Kind::put, "ann", 0, 2));
  owed.add(change(Kind::add, "bob", 5));
  REQUIRE(owed.size() == 1);
  const auto list = owed.list();
  REQUIRE(list.size() == 2);
  REQUIRE(list[0].kind == Kind::put);
  REQUIRE(list[0].record.lifetime == 2);
  REQUIRE(list[1].kind == Kind::remove);
  REQUIRE(list[1].id == 1000);
}

TEST_CASE("a mailbox that ended is dropped first, whatever came before; what came behind follows") {
  OwedChanges owed(10);
  owed.add(change(Kind::put, "ann", 0, 1));
  owed.add(change(Kind::remove, "ann", 5));
  owed.add(change(Kind::drop, "ann"));
  REQUIRE(owed.list().size() == 1);
  owed.add(change(Kind::put, "ann", 0, 3));
  const auto list = owed.list();
  REQUIRE(list.size() == 2);
  REQUIRE(list[0].kind == Kind::drop);
  REQUIRE(list[1].kind == Kind::put);
  REQUIRE(list[1].record.lifetime == 3);
}

TEST_CASE("changes of so many mailboxes wait, and no more") {
  OwedChanges owed(2);
  REQUIRE(owed.add(change(Kind::drop, "a")));
  REQUIRE(owed.add(change(Kind::drop, "b")));
  REQUIRE_FALSE(owed.add(change(Kind::drop, "c")));
  REQUIRE(owed.add(change(Kind::put, "b")));
  REQUIRE(owed.size() == 2);
  owed.clear();
  REQUIRE(owed.empty());
}
