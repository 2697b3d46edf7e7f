#pragma once

#include <nlohmann/json_fwd.hpp>

#include "gateway/mailboxes.hpp"
#include "gateway/message_call.hpp"
#include "storage/mailbox_store.hpp"

/// Messages for identities: as callers give them, as stores keep them, as receivers get them. No I/O.
namespace crosspoint::gateway {

/// nullptr if the value is a string that is not UTF-8.
storage::MailMessageRef to_mail(const nlohmann::json& value);
nlohmann::json to_value(const storage::MailMessage& message);
/// What a connection gets: the message, or with `confirm` an object of identity, id and message.
Data to_data(const Mailboxes::Delivery& delivery);

}  // namespace crosspoint::gateway
