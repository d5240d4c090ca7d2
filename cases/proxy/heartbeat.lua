-- SPDX-License-Identifier: Apache-2.0
-- The editor's plugin: a heartbeat a second, each by a curl of its own, as if none could hang.
local url = "http://" .. os.getenv("ORIGIN") .. "/exa.language_server/Heartbeat"
local timer = vim.loop.new_timer()
timer:start(0, 1000, vim.schedule_wrap(function()
  vim.fn.jobstart({ "curl", "-s", "--proxy", "http://" .. os.getenv("PROXY"), url, "-d", "{}" })
end))
