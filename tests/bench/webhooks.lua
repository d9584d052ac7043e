-- Delivers events as Stripe does, each with ids of its own and signed when it is sent; tells what came of it in JSON.
local ffi = require("ffi")
ffi.cdef [[
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *md, const void *key, int key_length, const unsigned char *data, size_t length,
                      unsigned char *digest, unsigned int *digest_length);
]]
local crypto = ffi.load(os.getenv("LIBCRYPTO"))
local sha256, digest, digest_length = crypto.EVP_sha256(), ffi.new("unsigned char[32]"), ffi.new("unsigned int[1]")
local hex = {}
for byte = 0, 255 do hex[byte] = string.format("%02x", byte) end

local secret, run, path = os.getenv("SECRET"), os.getenv("RUN"), nil
local templates, order, accounts = {}, {}, {}
local threads = {}
sent = 0

setup = function(thread)
  threads[#threads + 1] = thread
end

local function signature(signed)
  crypto.HMAC(sha256, secret, #secret, signed, #signed, digest, digest_length)
  local parts = {}
  for place = 0, 31 do parts[place + 1] = hex[digest[place]] end
  return table.concat(parts)
end

init = function(args)
  path = wrk.path
  for line in io.lines(os.getenv("EVENTS")) do -- kind, then the file of its body
    local kind, file = line:match("(%S+) (%S+)")
    if kind == "order" then
      for letter in file:gmatch(".") do order[#order + 1] = letter end
    elseif kind == "accounts" then
      for number = 1, tonumber(file) do accounts[number] = string.format("acct_Bench%04d", number) end
    else
      local body, parts = io.open(file, "rb"):read("*a"), {}
      for text in (body .. "@"):gmatch("([^@]*)@") do parts[#parts + 1] = text end
      templates[kind] = parts
    end
  end
end

-- A template's text is cut at each @NAME@, so every second part is a name.
request = function()
  sent = sent + 1
  local now = os.time()
  local values = {
    NUMBER = string.format("%sx%09d", run, sent),
    ACCOUNT = accounts[(sent - 1) % #accounts + 1],
    NOW = tostring(now),
  }
  local template, parts = templates[order[(sent - 1) % #order + 1]], {}
  for place = 1, #template do
    parts[place] = place % 2 == 1 and template[place] or values[template[place]]
  end
  local body = table.concat(parts)
  local head = {
    "POST ", path, " HTTP/1.1\r\nHost: ", wrk.headers["Host"] or "127.0.0.1",
    "\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*; q=0.5, application/xml",
    "\r\nContent-Type: application/json; charset=utf-8\r\nCache-Control: no-cache\r\nStripe-Signature: t=", values.NOW,
    ",v1=", signature(values.NOW .. "." .. body), "\r\nContent-Length: ", tostring(#body), "\r\n\r\n", body,
  }
  return table.concat(head)
end

done = function(summary, latency, _)
  local errors, total = summary.errors, 0
  for _, thread in ipairs(threads) do total = total + thread:get("sent") end
  io.write(string.format(
    '{"requests": %d, "duration": %d, "p50": %d, "p95": %d, "p99": %d, "failed": %d, "sent": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status, total))
end
