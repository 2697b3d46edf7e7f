// Lesson 0: a WebSocket server (RFC 6455) made with Berkeley sockets. It sends each message back to where it came from.
//   lesson_0_server [PORT [ADDRESS]]    8000 and 127.0.0.1 unless given

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <simdjson.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <string>
#include <string_view>
#include <vector>

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Whatever a client does, it gets no more of our memory and no more of our time than this.
constexpr std::size_t kMaxClients = 256;
constexpr std::size_t kMaxRequest = 8 << 10;
constexpr std::size_t kMaxMessage = 256 << 10;
constexpr std::size_t kMaxUnsent = 64 << 10;  // with more than this to send to a client nothing is read from it
constexpr auto kTimeToUpgrade = 10s;
constexpr auto kTimeToClose = 5s;

enum Opcode { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };    // section 5.2
enum CloseCode { kNormal = 1000, kGoingAway, kProtocolError, kNotUtf8 = 1007, kTooBig = 1009 };  // section 7.4.1

// A connection begins with HTTP, has frames then, sends what is left to say, and waits for the other side to end it.
enum class State { upgrading, open, closing, ended };

struct Client {
  int socket;
  std::string name;  // its address and port
  State state = State::upgrading;
  Clock::time_point deadline = Clock::now() + kTimeToUpgrade;  // does not count while it is open
  std::string input{}, output{};                               // not understood yet, not sent yet
  int message_type = kContinuation;                            // kText or kBinary while a message is incomplete
  std::string message{};                                       // what there is of it
};

void say(const Client& client, const std::string& text) { std::printf("%s %s\n", client.name.c_str(), text.c_str()); }

// ---- the opening handshake: one HTTP request, one HTTP response (section 4.2) ----

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}
// Takes what stands before the separator off the front of the text, and leaves out the blanks around it.
std::string_view cut(std::string_view& text, std::string_view separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  std::string_view front = text.substr(0, end);
  text.remove_prefix(std::min(end + separator.size(), text.size()));
  front.remove_prefix(std::min(front.find_first_not_of(" \t"), front.size()));
  return front.substr(0, front.find_last_not_of(" \t") + 1);
}

// The value of a header field; those of the same name count as one, with commas between them. Empty if there is none.
std::string field(std::string_view lines, std::string_view name) {
  std::string all;
  while (!lines.empty()) {
    std::string_view line = cut(lines, "\r\n");
    if (same(cut(line, ":"), name)) all.append(all.empty() ? "" : ",").append(cut(line, "\r\n"));
  }
  return all;
}
bool lists(std::string_view values, std::string_view wanted) {
  while (!values.empty())
    if (same(cut(values, ","), wanted)) return true;
  return false;
}

// Base64 of the SHA-1 of the client's key and a text that only WebSocket servers know of.
std::string accept_value(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char hash[20], base64[29];
  EVP_Digest(text.data(), text.size(), hash, nullptr, EVP_sha1(), nullptr);
  EVP_EncodeBlock(base64, hash, sizeof hash);
  return reinterpret_cast<char*>(base64);
}

std::string refusal(std::string status, const std::string& why, const std::string& fields = "") {
  status += "\r\n" + fields + "Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ";
  return "HTTP/1.1 " + status + std::to_string(why.size()) + "\r\n\r\n" + why;
}

// The response to a request; the connection is a WebSocket connection if it begins with 101.
std::string response_to(std::string_view request) {
  if (request.size() > kMaxRequest) return refusal("431 Request Header Fields Too Large", "Too much for us.\n");
  const std::string_view first = cut(request, "\r\n");
  if (!first.starts_with("GET /") || !first.ends_with(" HTTP/1.1") || field(request, "Host").empty())
    return refusal("400 Bad Request", "This is not a GET request of HTTP/1.1.\n");
  if (!lists(field(request, "Upgrade"), "websocket") || !lists(field(request, "Connection"), "upgrade"))
    return refusal("426 Upgrade Required", "Only WebSocket connections here.\n", "Upgrade: websocket\r\n");
  if (field(request, "Sec-WebSocket-Version") != "13")
    return refusal("426 Upgrade Required", "Only version 13 of WebSocket here.\n", "Sec-WebSocket-Version: 13\r\n");
  const std::string key = field(request, "Sec-WebSocket-Key");
  unsigned char bytes[18];  // 16, and two in place of the padding
  const auto* base64 = reinterpret_cast<const unsigned char*>(key.data());
  if (key.size() != 24 || !key.ends_with("==") || EVP_DecodeBlock(bytes, base64, 24) != sizeof bytes)
    return refusal("400 Bad Request", "Sec-WebSocket-Key has to be 16 bytes in Base64.\n");
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         accept_value(key) + "\r\n\r\n";
}

// ---- frames (section 5) ----

// Numbers of several bytes begin with the most significant one.
std::uint64_t number(std::string_view bytes) {
  std::uint64_t all = 0;
  for (const unsigned char byte : bytes) all = all << 8 | byte;
  return all;
}

// A server's frames are not masked, and ours are never fragmented.
void send_frame(Client& client, int opcode, std::string_view payload) {
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  client.output += static_cast<char>(0x80 | opcode);
  client.output += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  for (int i = length_bytes - 1; i >= 0; --i) client.output += static_cast<char>(size >> (8 * i));
  client.output += payload;
  say(client, "-> opcode " + std::to_string(opcode) + ", " + std::to_string(size) + " bytes");
}

// No frame follows a Close frame, and nothing that the client says is listened to any more.
void close_with(Client& client, int code, const std::string& why) {
  send_frame(client, kClose, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + why);
  client.state = State::closing;
  client.deadline = Clock::now() + kTimeToClose;
}

// The client wants to close. We answer with its own code, if that is one that may be sent (section 7.4).
void answer_close(Client& client, std::string_view payload) {
  if (payload.empty()) return close_with(client, kNormal, "");
  const int code = payload.size() == 1 ? 0 : static_cast<int>(number(payload.substr(0, 2)));
  const bool defined = code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
  if (!defined && (code < 3000 || code > 4999)) return close_with(client, kProtocolError, "not a code to close with");
  if (!simdjson::validate_utf8(payload.substr(2))) return close_with(client, kNotUtf8, "the reason is not UTF-8");
  close_with(client, code, "");
}

void handle_frame(Client& client, int opcode, bool final, std::string_view payload) {
  say(client, "<- opcode " + std::to_string(opcode) + ", " + std::to_string(payload.size()) + " bytes" +
                  (final ? "" : ", to be continued"));
  if (opcode == kPing) return send_frame(client, kPong, payload);
  if (opcode == kPong) return;
  if (opcode == kClose) return answer_close(client, payload);
  if ((opcode == kContinuation) != (client.message_type != kContinuation))
    return close_with(client, kProtocolError, "a message begins before the last one ended, or never began");
  if (opcode != kContinuation) client.message_type = opcode;
  client.message += payload;
  if (!final) return;
  if (client.message_type == kText && !simdjson::validate_utf8(client.message))
    return close_with(client, kNotUtf8, "text is not UTF-8");
  send_frame(client, client.message_type, client.message);  // the echo
  client.message_type = kContinuation;
  client.message = {};
}

// Handles the first frame of the bytes. Returns its size, or 0 if it is not complete or there will be no more frames.
std::size_t take_frame(Client& client, std::string_view bytes) {
  const auto fail = [&](CloseCode code, const char* why) {
    close_with(client, code, why);
    return std::size_t{0};
  };
  if (bytes.size() < 2) return 0;
  const int first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  const bool final = first & 0x80, masked = second & 0x80, control = first & 0x08;
  const int opcode = first & 0x0F, reserved = first & 0x70, length = second & 0x7F;
  const std::size_t length_bytes = length < 126 ? 0 : length == 126 ? 2 : 8, head = 2 + length_bytes + 4;
  if (reserved || opcode > kPong || (opcode > kBinary && !control)) return fail(kProtocolError, "a reserved bit");
  if (!masked) return fail(kProtocolError, "a frame that is not masked");
  if (control && (!final || length_bytes > 0)) return fail(kProtocolError, "a control frame in pieces, or too long");
  if (bytes.size() < head) return 0;
  const std::uint64_t size = length_bytes == 0 ? length : number(bytes.substr(2, length_bytes));
  if (size < (length_bytes == 2 ? 126 : length_bytes == 8 ? 65536 : 0)) return fail(kProtocolError, "a long length");
  if (!control && size > kMaxMessage - client.message.size()) return fail(kTooBig, "a message that is too big");
  if (bytes.size() - head < size) return 0;
  std::string payload(bytes.substr(head, size));
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] ^= bytes[head - 4 + i % 4];
  handle_frame(client, opcode, final, payload);
  return head + size;
}

// ---- bytes in, bytes out ----

// Works off what has come: the request, or a frame. Returns false if it is not complete.
bool handle_input(Client& client) {
  if (client.state == State::open) {
    const std::size_t size = take_frame(client, client.input);
    client.input.erase(0, size);
    return size > 0;
  }
  const std::size_t end = std::min(client.input.find("\r\n\r\n"), client.input.size());
  if (client.state != State::upgrading || (end == client.input.size() && end <= kMaxRequest)) return false;
  client.output = response_to(std::string_view(client.input).substr(0, end));
  say(client, "-> " + client.output.substr(0, client.output.find('\r')));
  client.state = client.output.starts_with("HTTP/1.1 101") ? State::open : State::closing;
  client.deadline = Clock::now() + kTimeToClose;
  client.input.erase(0, end + 4);
  return true;
}

// Does what can be done for a client. Returns false if that was the last.
bool serve(Client& client, short ready) {
  if (client.state != State::open && Clock::now() >= client.deadline) return false;
  if ((ready & ~POLLOUT) != 0) {
    char buffer[16 << 10];
    const ssize_t received = recv(client.socket, buffer, sizeof buffer, 0);
    if (received == 0 || (received < 0 && errno != EAGAIN)) return false;
    if (received > 0 && client.state <= State::open) client.input.append(buffer, received);
  }
  do {
    std::string& output = client.output;
    const ssize_t sent = output.empty() ? 0 : send(client.socket, output.data(), output.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    output.erase(0, std::max<ssize_t>(sent, 0));
  } while (client.output.size() <= kMaxUnsent && handle_input(client));
  if (client.state == State::closing && client.output.empty()) {
    shutdown(client.socket, SHUT_WR);  // no more from us: the client ends the connection, or its time does
    client.state = State::ended;
  }
  return true;
}

int listen_at(const char* address, int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool valid = port > 0 && port < 65536 && inet_pton(AF_INET, address, &name.sin_addr) == 1;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // while old connections are being forgotten
  setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);  // machines that have vanished are found out
  if (valid && bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 && listen(listener, 128) == 0)
    return listener;
  const char* why = valid ? std::strerror(errno) : "wanted are a port, 1 to 65535, and an IPv4 address";
  std::fprintf(stderr, "lesson_0_server: cannot listen at %s:%d: %s\n", address, port, why);
  std::exit(1);
}

void accept_client(int listener, std::list<Client>& clients) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const int socket = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK);
  if (socket < 0) return;  // who it was has gone again
  clients.push_back({socket, std::string(inet_ntoa(peer.sin_addr)) + ":" + std::to_string(ntohs(peer.sin_port))});
  say(clients.back(), "connected");
}

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int port = argc > 1 ? std::atoi(argv[1]) : 8000;
  const char* address = argc > 2 ? argv[2] : "127.0.0.1";
  sigset_t signals;  // Ctrl+C becomes one more thing to wait for
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int stop = signalfd(-1, &signals, 0), listener = listen_at(address, port);
  std::printf("Listening at %s:%d\n", address, port);

  std::list<Client> clients;
  for (bool stopping = false; !stopping || !clients.empty();) {
    int timeout = -1;  // or a second, while somebody has a time limit
    std::vector<pollfd> waits{{stopping ? -1 : stop, POLLIN, 0},
                              {!stopping && clients.size() < kMaxClients ? listener : -1, POLLIN, 0}};
    for (const Client& client : clients) {
      const bool reads = client.state != State::open || client.output.size() <= kMaxUnsent;
      const int events = (reads ? POLLIN : 0) | (client.output.empty() ? 0 : POLLOUT);
      waits.push_back({client.socket, static_cast<short>(events), 0});
      if (client.state != State::open) timeout = 1000;
    }
    if (poll(waits.data(), waits.size(), timeout) < 0) continue;  // EINTR: the process was stopped and goes on
    const bool stops = waits[0].revents != 0;
    auto ready = waits.begin() + 2;
    std::erase_if(clients, [&](Client& client) {
      if (stops && client.state == State::open) close_with(client, kGoingAway, "the server ends");
      if (stops && client.state == State::upgrading) client.state = State::closing;
      if (serve(client, ready++->revents)) return false;
      say(client, "gone");
      return close(client.socket), true;
    });
    if (waits[1].revents != 0) accept_client(listener, clients);
    stopping = stopping || stops;
  }
}
