#include "transports/permessage_deflate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <utility>

namespace crosspoint::transports {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes the part before `separator` off `text`, trimmed.
std::string_view take(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return trim(part);
}

/// 8 to 15, as RFC 7692 writes window sizes, possibly in quotes; 0 if it is something else.
int window_bits(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('0')) return 0;
  return bits >= 8 && bits <= 15 ? bits : 0;
}

/// One offer, read. `client_window_offered`: the client may be asked for a smaller window.
struct Offer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 0;
  bool client_window_offered = false;
  int client_max_window_bits = 15;
};

std::optional<Offer> parse_offer(std::string_view text) {
  if (take(text, ';') != "permessage-deflate") return std::nullopt;
  Offer offer;
  while (!text.empty()) {
    std::string_view parameter = take(text, ';');
    const bool valued = parameter.find('=') != std::string_view::npos;
    const std::string_view name = take(parameter, '=');
    const std::string_view value = trim(parameter);
    if (name == "server_no_context_takeover" && !valued) {
      if (std::exchange(offer.server_no_context_takeover, true)) return std::nullopt;
    } else if (name == "client_no_context_takeover" && !valued) {
      if (std::exchange(offer.client_no_context_takeover, true)) return std::nullopt;
    } else if (name == "server_max_window_bits" && offer.server_max_window_bits == 0) {
      offer.server_max_window_bits = window_bits(value);
      if (offer.server_max_window_bits == 0) return std::nullopt;
    } else if (name == "client_max_window_bits" && !offer.client_window_offered) {
      offer.client_window_offered = true;
      if (valued) offer.client_max_window_bits = window_bits(value);
      if (offer.client_max_window_bits == 0) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return offer;
}

std::optional<DeflateAgreement> accept(const Offer& offer, const DeflateSettings& settings) {
  DeflateAgreement agreement;
  agreement.response = "permessage-deflate";
  agreement.server_no_context_takeover = settings.no_context_takeover || offer.server_no_context_takeover;
  if (agreement.server_no_context_takeover) agreement.response += "; server_no_context_takeover";
  agreement.client_no_context_takeover = settings.request_no_context_takeover || offer.client_no_context_takeover;
  if (agreement.client_no_context_takeover) agreement.response += "; client_no_context_takeover";
  const int asked = offer.server_max_window_bits == 0 ? 15 : offer.server_max_window_bits;
  agreement.server_max_window_bits = std::min(settings.max_window_bits, asked);
  if (agreement.server_max_window_bits == 8) return std::nullopt;  // zlib cannot compress with so small a window
  if (offer.server_max_window_bits != 0 || agreement.server_max_window_bits != 15) {
    agreement.response += "; server_max_window_bits=" + std::to_string(agreement.server_max_window_bits);
  }
  agreement.client_max_window_bits = offer.client_max_window_bits;
  if (settings.request_max_window_bits != 0) {
    if (!offer.client_window_offered) return std::nullopt;
    agreement.client_max_window_bits = std::min(settings.request_max_window_bits, offer.client_max_window_bits);
    agreement.response += "; client_max_window_bits=" + std::to_string(agreement.client_max_window_bits);
  }
  return agreement;
}

constexpr std::array<std::uint8_t, 4> kEmptyBlock{0x00, 0x00, 0xff, 0xff};

}  // namespace

std::optional<DeflateAgreement> negotiate_deflate(std::string_view offers, const DeflateSettings& settings) {
  while (!offers.empty()) {
    if (const auto offer = parse_offer(take(offers, ','))) {
      if (auto agreement = accept(*offer, settings)) return agreement;
    }
  }
  return std::nullopt;
}

PermessageDeflate::PermessageDeflate(const DeflateAgreement& agreement, int memory_level) : agreement_(agreement) {
  // Negative window sizes select raw deflate. A window of 15 reads what was written with any.
  if (::inflateInit2(&inflate_, -15) != Z_OK) throw std::bad_alloc();
  if (::deflateInit2(&deflate_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -agreement.server_max_window_bits, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    ::inflateEnd(&inflate_);
    throw std::bad_alloc();
  }
}

PermessageDeflate::~PermessageDeflate() {
  ::inflateEnd(&inflate_);
  ::deflateEnd(&deflate_);
}

PermessageDeflate::Inflated PermessageDeflate::inflate(base::Bytes compressed, std::size_t most,
                                                       std::vector<std::uint8_t>& out) {
  const std::size_t start = out.size();
  std::array<std::uint8_t, 16384> piece;
  // The sender has taken the four bytes of an empty block off the end (RFC 7692, 7.2.2).
  for (const base::Bytes input : {compressed, base::Bytes(kEmptyBlock)}) {
    inflate_.next_in = const_cast<Bytef*>(input.data());
    inflate_.avail_in = static_cast<uInt>(input.size());
    do {
      inflate_.next_out = piece.data();
      inflate_.avail_out = static_cast<uInt>(piece.size());
      const int result = ::inflate(&inflate_, Z_SYNC_FLUSH);
      if (result == Z_STREAM_END) {  // a final block, which a sender may use; the next message begins anew
        ::inflateReset(&inflate_);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return Inflated::malformed;
      }
      const std::size_t got = piece.size() - inflate_.avail_out;
      if (out.size() - start + got > most) return Inflated::too_big;
      out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
      if (result == Z_BUF_ERROR) break;
    } while (inflate_.avail_in > 0 || inflate_.avail_out == 0);
  }
  if (agreement_.client_no_context_takeover) ::inflateReset(&inflate_);
  return Inflated::good;
}

void PermessageDeflate::deflate(base::Bytes piece, bool last, std::vector<std::uint8_t>& out) {
  deflate_.next_in = const_cast<Bytef*>(piece.data());
  deflate_.avail_in = static_cast<uInt>(piece.size());
  const int flush = last ? Z_SYNC_FLUSH : Z_NO_FLUSH;
  const std::size_t start = out.size();
  std::array<std::uint8_t, 16384> buffer;
  do {
    deflate_.next_out = buffer.data();
    deflate_.avail_out = static_cast<uInt>(buffer.size());
    ::deflate(&deflate_, flush);
    out.insert(out.end(), buffer.begin(), buffer.end() - static_cast<std::ptrdiff_t>(deflate_.avail_out));
  } while (deflate_.avail_out == 0);
  if (!last) return;
  if (out.size() - start >= kEmptyBlock.size()) {
    out.resize(out.size() - kEmptyBlock.size());
  } else {
    out.push_back(0);  // zlib writes nothing for an empty message (RFC 7692, 7.2.3.6)
  }
  if (agreement_.server_no_context_takeover) ::deflateReset(&deflate_);
}

}  // namespace crosspoint::transports
