-- The world of scripts: protected globals and libraries.
--
-- Lua 5.1 has no read-only tables. What scripts see in their place are empty tables (proxies) whose metatable finds what is read in a
-- hidden table and refuses what is written. Whatever would look past a metatable (rawset, next, table.insert, ...) is replaced by a
-- function that knows proxies. The hidden tables never get into a script's hands.
--
-- This file is loaded without its debug information: errors of C functions called from here have no position then, rather than one
-- in here, and `failure.rs` knows frames of this file by that. C functions are called as fields, because Lua takes the names in its
-- messages from there.

local base, native = ...

local type, error, tostring, tonumber, rawset, rawget = base.type, base.error, base.tostring, base.tonumber, base.rawset, base.rawget
local next, select, getmetatable, setmetatable = base.next, base.select, base.getmetatable, base.setmetatable
local ctable, cstring, cmath, ccoroutine = base.table, base.string, base.math, base.coroutine
local wrong, explain, soften = native.wrong, native.explain, native.soften

local READONLY = "Attempt to modify a readonly table"

-- All proxies. The values hold nothing, so that a proxy nobody knows any more can go.
local readonly = setmetatable({}, {__mode = "k"})

local function refuse()
  error(READONLY, 2)
end

-- A proxy of `contents`. Scripts get `visible` for its metatable.
local function protect(contents, visible)
  local proxy = {}
  readonly[proxy] = true
  return setmetatable(proxy, {
    __index = contents,
    __newindex = refuse,
    __metatable = {contents = contents, visible = visible},
  })
end

local function contents_of(proxy)
  return getmetatable(proxy).contents
end

-- Tables -------------------------------------------------------------------------------------------------------------------------

local shared = {}

function shared.rawset(t, k, v)
  if readonly[t] then error(READONLY, 0) end
  if type(t) ~= "table" then wrong(1, "table", t) end
  return rawset(t, k, v)
end

function shared.rawget(t, k)
  if readonly[t] then t = contents_of(t) end
  if type(t) ~= "table" then wrong(1, "table", t) end
  return rawget(t, k)
end

function shared.setmetatable(t, m)
  if readonly[t] then error(READONLY, 0) end
  if type(t) ~= "table" then wrong(1, "table", t) end
  if m ~= nil and type(m) ~= "table" then native.bad(2, "nil or table expected") end
  return base.setmetatable(t, m)
end

function shared.getmetatable(t)
  if readonly[t] then return getmetatable(t).visible end
  return base.getmetatable(t)
end

local function following(t, k)
  if readonly[t] then t = contents_of(t) end
  if type(t) ~= "table" then wrong(1, "table", t) end
  return next(t, k)
end

shared.next = following

function shared.pairs(t)
  if readonly[t] then return following, t, nil end
  if type(t) ~= "table" then wrong(1, "table", t) end
  return next, t, nil
end

-- The subtraction in C may overflow before it is checked.
function shared.unpack(t, i, j)
  if type(t) ~= "table" then wrong(1, "table", t) end
  local first, last = tonumber(i) or 1, tonumber(j) or #t
  if last - first >= 8000 then native.fail("too many results to unpack") end
  return base.unpack(t, i, j)
end

local tables = {}
for name, value in next, ctable do tables[name] = value end

local cinsert = ctable.insert
function tables.insert(t, ...)
  if readonly[t] then error(READONLY, 0) end
  if type(t) ~= "table" then wrong(1, "table", t) end
  local count = select("#", ...)
  if count == 1 then return cinsert(t, ...) end
  if count ~= 2 then native.fail("wrong number of arguments to 'insert'") end
  local position, value = ...
  local place = tonumber(position)
  if not place then wrong(2, "number", position) end
  if place >= 1 then return cinsert(t, position, value) end
  -- In C this is a loop that nothing interrupts, from the end down to any negative number.
  place = place - place % 1
  for i = #t + 1, place + 1, -1 do rawset(t, i, rawget(t, i - 1)) end
  rawset(t, place, value)
end

function tables.foreach(t, f)
  if type(t) ~= "table" then wrong(1, "table", t) end
  if type(f) ~= "function" then wrong(2, "function", f) end
  for k, v in following, t do
    local result = f(k, v)
    if result ~= nil then return result end
  end
end

-- A merge sort in Lua, because the quicksort in C takes the square of the length for an order made for it, and nothing interrupts it.
local function merge_sort(t, n, less)
  local from, into = t, {}
  local width = 1
  -- Runs of eight by insertion.
  for low = 1, n, 8 do
    local high = low + 7
    if high > n then high = n end
    for i = low + 1, high do
      local value = rawget(t, i)
      local j = i - 1
      while j >= low do
        local other = rawget(t, j)
        if not less(value, other) then break end
        rawset(t, j + 1, other)
        j = j - 1
      end
      rawset(t, j + 1, value)
    end
  end
  width = 8
  while width < n do
    for low = 1, n, 2 * width do
      local left, right = low, low + width
      local middle, high = right, low + 2 * width
      if middle > n + 1 then middle = n + 1 end
      if high > n + 1 then high = n + 1 end
      for k = low, high - 1 do
        if left < middle and (right >= high or not less(rawget(from, right), rawget(from, left))) then
          rawset(into, k, rawget(from, left))
          left = left + 1
        else
          rawset(into, k, rawget(from, right))
          right = right + 1
        end
      end
    end
    from, into = into, from
    width = 2 * width
  end
  if from ~= t then
    for i = 1, n do rawset(t, i, from[i]) end
  end
end

local function ascending(a, b)
  return a < b
end

function tables.sort(t, less)
  if readonly[t] then return end
  if type(t) ~= "table" then wrong(1, "table", t) end
  if less ~= nil and type(less) ~= "function" then wrong(2, "function", less) end
  local n = #t
  if n < 2 then return end
  if less == nil then
    -- Before any of it is moved: errors of comparing have the words of a comparison in C then.
    local kind = type(rawget(t, 1))
    for i = 1, n do
      local value = rawget(t, i)
      local other = type(value)
      if other ~= kind then error("attempt to compare " .. kind .. " with " .. other, 0) end
      if kind == "table" then
        local meta = getmetatable(value)
        if readonly[value] or type(meta) ~= "table" or not meta.__lt then error("attempt to compare two table values", 0) end
      elseif kind ~= "number" and kind ~= "string" then
        error("attempt to compare two " .. kind .. " values", 0)
      end
    end
    less = ascending
  end
  return merge_sort(t, n, less)
end

-- Errors -------------------------------------------------------------------------------------------------------------------------

-- Errors of functions in Rust arrive as objects: scripts get their text, and what stops a script is raised again.
local function settle(ok, ...)
  if ok then return true, ... end
  local problem = ...
  if type(problem) == "userdata" then problem = explain(problem) end
  return false, problem
end

local function pcall(...)
  return settle(base.pcall(...))
end

shared.pcall = pcall

function shared.xpcall(f, handler)
  return settle(base.xpcall(f, function(problem)
    if type(problem) == "userdata" then
      local text, stops = soften(problem)
      if stops then return problem end
      problem = text
    end
    return handler(problem)
  end))
end

-- Coroutines ---------------------------------------------------------------------------------------------------------------------

-- Lua counts nested calls in C for each coroutine alone: one that resumes the next, and so on, would overflow the stack.
local DEEPEST = 7
local depth = 0

local coroutines = {}
for name, value in next, ccoroutine do coroutines[name] = value end

local cresume = ccoroutine.resume

local function leave(...)
  depth = depth - 1
  return settle(...)
end

local function resume(co, ...)
  if depth >= DEEPEST then return false, "C stack overflow" end
  depth = depth + 1
  return leave(cresume(co, ...))
end

function coroutines.resume(co, ...)
  if type(co) ~= "thread" then native.bad(1, "coroutine expected") end
  return resume(co, ...)
end

local function unwrap(ok, ...)
  if ok then return ... end
  local problem = ...
  if type(problem) == "string" then error(problem, 3) end
  error(problem, 0)
end

function coroutines.wrap(f)
  local co = ccoroutine.create(f)
  return function(...)
    return unwrap(resume(co, ...))
  end
end

-- Strings ------------------------------------------------------------------------------------------------------------------------

local strings = {}
for _, name in base.ipairs {"byte", "char", "dump", "format", "len", "lower", "reverse", "sub", "upper"} do
  strings[name] = cstring[name]
end
for name, value in next, native.string do strings[name] = value end
strings.gfind = strings.gmatch

local seek, substitute, texts = native.seek, native.string.gsub, native.texts
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

-- A function as the replacement is called from here, not from Rust: its errors pass untouched, and nothing nests.
function strings.gsub(s, pattern, replacement, most)
  if type(replacement) ~= "function" then return substitute(s, pattern, replacement, most) end
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
      if kind ~= "string" and kind ~= "number" then native.fail("invalid replacement value (a " .. kind .. ")") end
      local before = csub(s, copied, first - 1)
      pieces[size + 1], pieces[size + 2] = before, value
      size, copied = size + 2, last + 1
      length = length + #before + (kind == "string" and #value or 24)
      if length > limit then native.fail("resulting string too large") end
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

function shared.collectgarbage(option, argument)
  local answer = option ~= nil and unheeded[option]
  if answer then return answer end
  return base.collectgarbage(option, argument)
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
    if type(piece) ~= "string" and type(piece) ~= "number" then error("reader function must return a string", 0) end
    count = count + 1
    pieces[count] = piece
  end
  return ctable.concat(pieces)
end

-- An environment of its own, with the tables in `apis` (by name) beside the libraries. The second result is where its globals are: for
-- the host alone.
local function environment(apis)
  local globals = {}
  for name, value in next, shared do globals[name] = value end
  local guarded = {}
  for name, api in next, apis do
    guarded[api] = guarded[api] or protect(api)
    globals[name] = guarded[api]
  end
  local environment = protect(globals, global_visible)
  globals._G = environment

  function globals.loadstring(text, name)
    if type(text) ~= "string" then
      if type(text) ~= "number" then wrong(1, "string", text) end
      text = tostring(text)
    end
    return native.compile(environment, text, name == nil and text or name)
  end

  function globals.load(reader, name)
    if type(reader) ~= "function" then wrong(1, "function", reader) end
    local ok, text = pcall(gather, reader)
    if not ok then return nil, text end
    return native.compile(environment, text, name == nil and "=(load)" or name)
  end

  setmetatable(globals, missing_metatable)
  return environment, globals
end

return environment, string_metatable, pcall, function() depth = 0 end
