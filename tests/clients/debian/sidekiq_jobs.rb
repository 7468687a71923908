# The jobs that check_sidekiq.rb sends to its worker, a process of its own.
require 'sidekiq'

url = { url: "redis://127.0.0.1:#{ENV.fetch('LARDER_PORT')}" }
Sidekiq.configure_server do |config|
  config.redis = url
  config.options[:poll_interval_average] = 1
end
Sidekiq.configure_client { |config| config.redis = url }

class Add
  include Sidekiq::Worker

  def perform(number, sum)
    Sidekiq.redis { |redis| redis.hset('sums', number, number + sum) }
  end
end

class SecondTime
  include Sidekiq::Worker
  sidekiq_options queue: 'low', retry: 3
  sidekiq_retry_in { 1 }

  def perform
    tries = Sidekiq.redis { |redis| redis.incr('tries') }
    raise 'on purpose' if tries < 2
  end
end

class Fail
  include Sidekiq::Worker
  sidekiq_options retry: 0, dead: true

  def perform
    raise 'on purpose'
  end
end
