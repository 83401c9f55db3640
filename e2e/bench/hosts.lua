-- For wrk: asks twenty services in turn, `steady-0` to `steady-19`.
local requests = {}
local count = 0

function init()
  for i = 0, 19 do
    requests[i] = wrk.format("GET", "/", { Host = "steady-" .. i })
  end
end

function request()
  count = (count + 1) % 20
  return requests[count]
end
