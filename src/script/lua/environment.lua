-- The world of scripts: protected globals and libraries.
--
-- Lua 5.1 has no read-only tables. What scripts see in their place are empty tables (proxies) whose metatable finds what is read in a
-- hidden table and refuses what is written. Whatever would look past a metatable (rawset, next, table.insert, ...) is replaced by a
-- function that knows proxies. The hidden tables never get into a script's hands.
--
-- Errors have the position of the script's call, not one in here: `failure.rs` knows frames of this file by the chunk's name. Functions
-- in C take the frame that called them, so their arguments are checked here first.

local base, native = ...

local type, error, tostring, tonumber, rawset, rawget = base.type, base.error, base.tostring, base.tonumber, base.rawset, base.rawget
local next, select, getmetatable, setmetatable = base.next, base.select, base.getmetatable, base.setmetatable
local ctable, cstring, cmath, ccoroutine = base.table, base.string, base.math, base.coroutine
local wrong, bad, fail, explain = native.wrong, native.bad, native.fail, native.explain

local READONLY = "Attempt to modify a readonly table"

-- All proxies. The values hold nothing, so that a proxy nobody knows any more can go.
local readonly = setmetatable({}, {__mode = "k"})

local function refuse()
  error(READONLY, 2)
end

-- A proxy of `contents`, and its metatable. Scripts get `visible` for that.
local function protect(contents, visible)
  local proxy = {}
  local meta = {
    __index = contents,
    __newindex = refuse,
    __metatable = {contents = contents, visible = visible},
  }
  readonly[proxy] = true
  return setmetatable(proxy, meta), meta
end

local function contents_of(proxy)
  return getmetatable(proxy).contents
end

-- Tables -------------------------------------------------------------------------------------------------------------------------

local shared = {}

function shared.rawset(t, k, v)
  if readonly[t] then error(READONLY, 0) end
  if type(t) ~= "table" then wrong("rawset", 1, "table", t) end
  return rawset(t, k, v)
end

function shared.rawget(t, k)
  if readonly[t] then t = contents_of(t) end
  if type(t) ~= "table" then wrong("rawget", 1, "table", t) end
  return rawget(t, k)
end

function shared.setmetatable(t, ...)
  if readonly[t] then error(READONLY, 0) end
  if type(t) ~= "table" then wrong("setmetatable", 1, "table", t) end
  local m = ...
  if select("#", ...) == 0 or m ~= nil and type(m) ~= "table" then bad("setmetatable", 2, "nil or table expected") end
  if getmetatable(t) ~= nil and native.is_protected(t) then fail("cannot change a protected metatable") end
  return setmetatable(t, m)
end

function shared.getmetatable(t)
  if readonly[t] then return getmetatable(t).visible end
  return getmetatable(t)
end

local function following(t, k)
  if readonly[t] then t = contents_of(t) end
  if type(t) ~= "table" then wrong("next", 1, "table", t) end
  return next(t, k)
end

shared.next = following

function shared.pairs(t)
  if readonly[t] then return following, t, nil end
  if type(t) ~= "table" then wrong("pairs", 1, "table", t) end
  return next, t, nil
end

-- The subtraction in C may overflow before it is checked.
function shared.unpack(t, i, j)
  if type(t) ~= "table" then wrong("unpack", 1, "table", t) end
  local first, last = 1, #t
  if i ~= nil then first = tonumber(i) or wrong("unpack", 2, "number", i) end
  if j ~= nil then last = tonumber(j) or wrong("unpack", 3, "number", j) end
  if last - first >= 8000 then fail("too many results to unpack") end
  -- What is not given takes no place on the stack in C, which has only so many.
  if i == nil and j == nil then return base.unpack(t) end
  return base.unpack(t, i, j)
end

local tables = {}
for name, value in next, ctable do tables[name] = value end

local cinsert = ctable.insert
function tables.insert(t, ...)
  if readonly[t] then error(READONLY, 0) end
  if type(t) ~= "table" then wrong("insert", 1, "table", t) end
  local count = select("#", ...)
  if count == 1 then return cinsert(t, ...) end
  if count ~= 2 then fail("wrong number of arguments to 'insert'") end
  local position, value = ...
  local place = tonumber(position)
  if not place then wrong("insert", 2, "number", position) end
  if place >= 1 then return cinsert(t, position, value) end
  -- In C this is a loop from the end down to any negative number, which nothing interrupts. There is only so much there to be moved.
  place = place - place % 1
  local last, moved = #t, {}
  for k, v in next, t do
    if type(k) == "number" and k % 1 == 0 and k >= place and k <= last then
      moved[k + 1] = v
      rawset(t, k, nil)
    end
  end
  for k, v in next, moved do rawset(t, k, v) end
  rawset(t, place, value)
end

function tables.foreach(t, f)
  if type(t) ~= "table" then wrong("foreach", 1, "table", t) end
  if type(f) ~= "function" then wrong("foreach", 2, "function", f) end
  for k, v in following, t do
    local result = f(k, v)
    if result ~= nil then return result end
  end
end

-- A merge sort in Lua, because the quicksort in C takes the square of the length for an order made for it, and nothing interrupts it.
local function merge_sort(t, n, less)
  -- Runs of eight by insertion.
  for low = 1, n, 8 do
    local high = low + 7
    if high > n then high = n end
    for i = low + 1, high do
      local value = t[i]
      local j = i - 1
      while j >= low and less(value, t[j]) do
        t[j + 1] = t[j]
        j = j - 1
      end
      t[j + 1] = value
    end
  end
  local from, into = t, {}
  local width = 8
  while width < n do
    for low = 1, n, 2 * width do
      local left, right = low, low + width
      local middle, high = right, low + 2 * width
      if middle > n + 1 then middle = n + 1 end
      if high > n + 1 then high = n + 1 end
      for k = low, high - 1 do
        if left < middle and (right >= high or not less(from[right], from[left])) then
          into[k] = from[left]
          left = left + 1
        else
          into[k] = from[right]
          right = right + 1
        end
      end
    end
    from, into = into, from
    width = 2 * width
  end
  return from
end

local function ascending(a, b)
  return a < b
end

function tables.sort(t, less)
  if readonly[t] then return end
  if type(t) ~= "table" then wrong("sort", 1, "table", t) end
  if less ~= nil and type(less) ~= "function" then wrong("sort", 2, "function", less) end
  local n = #t
  if n < 2 then return end
  if less == nil then
    -- Before any of it is moved: errors of comparing have the words of a comparison in C then.
    local kind = type(rawget(t, 1))
    for i = 1, n do
      local value = rawget(t, i)
      local other = type(value)
      if other ~= kind then error("attempt to compare " .. other .. " with " .. kind, 0) end
      if kind == "table" then
        local meta = getmetatable(value)
        if readonly[value] or type(meta) ~= "table" or not meta.__lt then error("attempt to compare two table values", 0) end
      elseif kind ~= "number" and kind ~= "string" then
        error("attempt to compare two " .. kind .. " values", 0)
      end
    end
    if kind == "number" then return native.sort_numbers(t, n) end
    less = ascending
  end
  -- What is sorted is a copy: metatables have no say, and a comparison that fails leaves the table as it was.
  local copy = {}
  for i = 1, n do copy[i] = rawget(t, i) end
  copy = merge_sort(copy, n, less)
  for i = 1, n do rawset(t, i, copy[i]) end
end

-- Errors -------------------------------------------------------------------------------------------------------------------------

-- Errors of functions in Rust arrive as objects: scripts get their text, and what stops a script is raised again.
local function settle(ok, ...)
  if ok then return true, ... end
  local problem = ...
  if type(problem) == "userdata" then problem = explain(problem) end
  return false, problem
end

local function call(...)
  return settle(base.pcall(...))
end

-- The peers' `pcall` gives the text of an error that is a table with one, and what else it finds there behind other tables.
local function unfold(ok, ...)
  local problem = ...
  if ok or type(problem) ~= "table" then return ok, ... end
  local text = problem.err
  local kind = type(text)
  if kind == "string" or kind == "number" then return false, text end
  return false, problem, text
end

function shared.pcall(...)
  if select("#", ...) == 0 then bad("pcall", 1, "value expected") end
  return unfold(call(...))
end

-- The handler runs when the error has been caught, not where it was raised: what stops a script would be lost in there. Without
-- `debug` a script cannot tell the difference.
local function handle(handler, ok, ...)
  if ok then return true, ... end
  local fine, result = call(handler, (...))
  if fine then return false, result end
  return false, "error in error handling"
end

function shared.xpcall(f, ...)
  if select("#", ...) == 0 then bad("xpcall", 2, "value expected") end
  return handle((...), call(f))
end

-- Coroutines ---------------------------------------------------------------------------------------------------------------------

local coroutines = {}
for name, value in next, ccoroutine do coroutines[name] = value end

local cresume = ccoroutine.resume

function coroutines.resume(co, ...)
  if type(co) ~= "thread" then bad("resume", 1, "coroutine expected") end
  return settle(cresume(co, ...))
end

local function unwrap(ok, ...)
  if ok then return ... end
  local problem = ...
  if type(problem) == "string" then error(problem, 3) end
  error(problem, 0)
end

function coroutines.wrap(f)
  local ok, co = base.pcall(ccoroutine.create, f)
  if not ok then
    if type(co) == "string" and not native.string.find(co, "expected", 1, true) then error(co, 0) end
    bad("wrap", 1, "Lua function expected")
  end
  return function(...)
    return unwrap(settle(cresume(co, ...)))
  end
end

-- Strings ------------------------------------------------------------------------------------------------------------------------

local strings = {}
for _, name in base.ipairs {"byte", "char", "dump", "format", "len", "lower", "reverse", "sub", "upper"} do
  strings[name] = cstring[name]
end
for name, value in next, native.string do strings[name] = value end
strings.gfind = strings.gmatch

local seek, gsub, texts = native.seek, native.string.gsub, native.texts
local csub = cstring.sub

-- The iterator's strings are its own, not references held by Rust: those are few.
function strings.gmatch(s, pattern)
  s, pattern = texts(s, pattern)
  local at = 1
  local function advance(first, last, ...)
    if not first then
      at = #s + 2
      return nil
    end
    at = last >= first and last + 1 or last + 2
    return ...
  end
  return function()
    return advance(seek(s, pattern, at, true))
  end
end

strings.gfind = strings.gmatch

local function apply(f, first, last, ...)
  if not first then return nil end
  return first, last, f(...)
end

-- A function as the replacement, or a metatable's, is called from here, not from Rust: its errors pass untouched, and nothing nests.
function strings.gsub(s, pattern, replacement, most)
  local kind = type(replacement)
  if kind == "table" and getmetatable(replacement) ~= nil then
    local source = replacement
    replacement = function(key) return source[key] end
  elseif kind ~= "function" then
    return gsub(s, pattern, replacement, most)
  end
  local anchored, limit
  s, pattern, most, anchored, limit = texts(s, pattern, most)
  local pieces, size, length, count = {}, 0, 0, 0
  local at, copied = 1, 1
  while count < most and at <= #s + 1 do
    local first, last, value = apply(replacement, seek(s, pattern, at))
    if not first then break end
    count = count + 1
    if value then
      local kind = type(value)
      if kind ~= "string" and kind ~= "number" then fail("invalid replacement value (a " .. kind .. ")") end
      local before = csub(s, copied, first - 1)
      pieces[size + 1], pieces[size + 2] = before, value
      size, copied = size + 2, last + 1
      length = length + #before + (kind == "string" and #value or 24)
      if length > limit then fail("resulting string too large") end
    end
    at = last >= first and last + 1 or last + 2
    if anchored then break end
  end
  pieces[size + 1] = csub(s, copied)
  return ctable.concat(pieces), count
end

-- The rest -----------------------------------------------------------------------------------------------------------------------

local maths = {}
for name, value in next, cmath do maths[name] = value end
for name, value in next, native.math do maths[name] = value end

-- What would outlast the script has no effect.
local unheeded = {stop = 0, restart = 0, setpause = 200, setstepmul = 200}
local heeded = {collect = true, count = true, step = true}

function shared.collectgarbage(option, argument)
  if option == nil then option = "collect" end
  local answer = unheeded[option]
  if answer then return answer end
  if type(option) ~= "string" then wrong("collectgarbage", 1, "string", option) end
  if not heeded[option] then bad("collectgarbage", 1, "invalid option '" .. option .. "'") end
  return base.collectgarbage(option, tonumber(argument))
end

for _, name in base.ipairs {"_VERSION", "assert", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber", "tostring", "type"} do
  shared[name] = base[name]
end

shared.string = protect(strings)
shared.table = protect(tables)
shared.math = protect(maths)
shared.coroutine = protect(coroutines)
shared.os = protect(native.os)
shared.bit = protect(native.bit)
shared.struct = protect(native.struct)
shared.cjson = protect(native.cjson)
shared.cmsgpack = protect(native.cmsgpack)

local string_metatable = {__index = strings, __metatable = protect({__index = shared.string})}

local function missing(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

local global_visible = protect({__index = missing})
local missing_metatable = {__index = missing}

-- The pieces that `load` is given, joined. `load` returns an error of the reader and does not raise it.
local function gather(reader)
  local pieces, count = {}, 0
  while true do
    local piece = reader()
    if piece == nil or piece == "" then break end
    if type(piece) ~= "string" and type(piece) ~= "number" then return nil end
    count = count + 1
    pieces[count] = piece
  end
  return ctable.concat(pieces)
end

-- An environment of its own, with the tables in `apis` (by name) beside the libraries. What a library's code sees while it is loaded
-- is nothing but the tables in `loading`. The other results are for the host alone: where the globals are, the metatable that says so,
-- and what belongs there instead while a library is loaded.
local function environment(apis, loading)
  local globals = {}
  for name, value in next, shared do globals[name] = value end
  for name, api in next, apis do globals[name] = protect(api) end
  local environment, meta = protect(globals, global_visible)
  globals._G = environment

  local seen = {}
  for name, api in next, loading do seen[name] = protect(setmetatable(api, missing_metatable)) end
  setmetatable(seen, missing_metatable)

  function globals.loadstring(text, name)
    if type(text) ~= "string" then
      if type(text) ~= "number" then wrong("loadstring", 1, "string", text) end
      text = tostring(text)
    end
    return native.compile(environment, text, name == nil and text or name)
  end

  function globals.load(reader, name)
    if type(reader) ~= "function" then wrong("load", 1, "function", reader) end
    local ok, text = call(gather, reader)
    if not ok then return nil, text end
    if not text then return nil, native.located("reader function must return a string") end
    return native.compile(environment, text, name == nil and "=(load)" or name)
  end

  setmetatable(globals, missing_metatable)
  return environment, globals, meta, seen
end

return environment, string_metatable, call
