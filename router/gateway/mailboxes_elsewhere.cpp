#include "gateway/mailboxes_elsewhere.hpp"

#include <algorithm>
#include <utility>

#include "gateway/mail_message.hpp"
#include "gateway/receivers_text.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;

/// The texts of a list. False if it is none.
bool read_texts(const json& list, std::vector<std::string>& out) {
  if (!list.is_array()) return false;
  for (const json& text : list) {
    if (!text.is_string()) return false;
    out.push_back(text.get<std::string>());
  }
  return true;
}

}  // namespace

MailboxesElsewhere::MailboxesElsewhere(Hub& hub, base::IoThread& io, MailCarrier& carrier)
    : others_(*hub.others()), node_(hub.node()), carrier_(carrier), own_(hub, io) {
  others_.provide("mail-there", [this](const NodeCalls::Request& request) { there(request); });
  others_.provide("mail-deliver", [this](const NodeCalls::Request& request) { deliver(request); });
}

void MailboxesElsewhere::find_missing(std::uint64_t node, const std::vector<std::string>& ids,
                                      std::function<void(NodeCalls::Outcome outcome, const Missing& missing)> then) {
  using Outcome = NodeCalls::Outcome;
  if (node == node_) {
    return find_own_missing(ids,
                            [then = std::move(then)](const Missing& missing) { then(Outcome::answered, missing); });
  }
  others_.ask(node, "mail-there", json::array({ids}), [then = std::move(then)](Outcome outcome, const json& value) {
    Missing missing;
    const bool good = outcome != Outcome::answered || read_texts(value, missing);
    then(good ? outcome : Outcome::unavailable, missing);
  });
}

void MailboxesElsewhere::find_own_missing(const std::vector<std::string>& ids, OwnConnections::Then<Missing> then) {
  std::vector<ConnectionId> own;
  Missing missing;
  for (const std::string& text : ids) {
    const auto id = parse_connection_id(text);
    if (id && own_.is_own(*id)) {
      own.push_back(*id);
    } else {
      missing.push_back(text);
    }
  }
  own_.on_all_threads(
      [own = std::move(own)](HubPart& part) {
        Missing gone;
        for (const ConnectionId& id : own) {
          if (id.thread != part.io().index()) continue;
          const auto client = part.find(id.number);
          if (client == nullptr || client->port() == nullptr) gone.push_back(to_string(id));
        }
        return gone;
      },
      [then = std::move(then), missing = std::move(missing)](const std::vector<Missing>& parts) {
        Missing all = missing;
        for (const Missing& part : parts) all.insert(all.end(), part.begin(), part.end());
        then(all);
      });
}

void MailboxesElsewhere::there(const NodeCalls::Request& request) {
  std::vector<std::string> ids;
  if (request.arguments.size() != 1 || !read_texts(request.arguments[0], ids)) {
    return others_.answer(request, std::nullopt);
  }
  watched_.insert(ids.begin(), ids.end());
  find_own_missing(ids, [this, request, ids](const Missing& missing) {
    for (const std::string& id : missing) watched_.erase(id);
    // One that was there may have gone while others were looked for.
    Missing all;
    for (const std::string& id : ids) {
      if (!watched_.contains(id)) all.push_back(id);
    }
    others_.answer(request, json(all));
  });
}

void MailboxesElsewhere::tell_gone(const std::string& id) {
  if (watched_.erase(id) == 0 || keeper_.empty() || keeper_ == others_.address()) return;
  // If that is lost, the keeper finds out when it looks.
  others_.ask(keeper_, "mail-gone", json::array({id}), [](NodeCalls::Outcome, const json&) {});
}

void MailboxesElsewhere::deliver(const NodeCalls::Request& request) {
  const json& given = request.arguments;
  Mailboxes::Delivery delivery;
  const bool good = given.size() == 5 && read_receiver(given[0], delivery.to) && given[1].is_string() &&
                    given[2].is_number_unsigned() && given[4].is_boolean() && node_of(delivery.to, node_) == node_;
  if (good) delivery.message = to_mail(given[3]);
  if (!delivery.message) return others_.answer(request, std::nullopt);
  if (request.from != keeper_) return others_.answer(request, static_cast<int>(MailCarrier::Handed::full));
  const auto id = parse_connection_id(delivery.to.name);
  if (delivery.to.kind == Receiver::Kind::connection && !own_.is_own(*id)) {
    return others_.answer(request, static_cast<int>(MailCarrier::Handed::refused));
  }
  delivery.identity = given[1].get<std::string>();
  delivery.id = given[2].get<std::uint64_t>();
  delivery.confirm = given[4].get<bool>();
  carrier_.hand_over(delivery, [this, from = request.from, number = request.number](MailCarrier::Handed handed) {
    others_.answer({from, number, {}}, static_cast<int>(handed));
  });
}

}  // namespace crosspoint::gateway
