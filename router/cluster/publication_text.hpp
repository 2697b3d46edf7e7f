#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "realm/shard_message.hpp"
#include "wamp/message.hpp"

/// A publication as the bytes that Redis carries from node to node. docs/cluster.md has the format.
namespace crosspoint::cluster {

/// `sender` is the address of a node. `publisher` is nullptr if it is not to be disclosed.
std::string write_text(std::string_view sender, const wamp::Publish& message, wamp::PublicationId id,
                       const realm::Identity* publisher, wamp::TrustLevel trustlevel = wamp::kNoTrustLevel);

/// The same for one that is not at hand as its publisher has sent it.
std::string write_text(std::string_view sender, const realm::Publication& publication);

/// Who has sent a text that write_text() has made; nothing if it has another form.
std::string_view sender_of(std::string_view text);

/// The publication's id, from the same; 0 if there is none.
wamp::PublicationId id_of(std::string_view text);

/// Reads what a node has written, or the JSON object {"args": [...], "kwargs": {...}} that any program may publish,
/// which gets the id `id`. Returns what is wrong, or nothing. No subscription is in `out`.
std::string_view read_text(std::string_view text, std::string_view topic, wamp::PublicationId id,
                           std::shared_ptr<realm::Publication>& out);

}  // namespace crosspoint::cluster
