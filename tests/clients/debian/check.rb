# What the Ruby programs in this folder share: where the server is, and how a check ends.

PORT = Integer(ENV.fetch('LARDER_PORT'))
URL = "redis://127.0.0.1:#{PORT}"

def equal(got, wanted)
  raise "wanted #{wanted.inspect}, got #{got.inspect}" unless got == wanted
end

def fails(kind, text)
  got = yield
rescue kind => error
  raise unless error.message.include?(text)
else
  raise "wanted #{kind} with #{text.inspect}, got #{got.inspect}"
end

# Waits until the block returns something, for at most 20 seconds.
def until_there(what)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 20
  until (found = yield)
    raise "waited in vain: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.01
  end
  found
end
