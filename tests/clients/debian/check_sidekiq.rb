# Sidekiq: a worker process with two queues; jobs one by one and in bulk, retries, a schedule, the morgue, figures.
require_relative 'check'
require_relative 'sidekiq_jobs'
require 'sidekiq/api'

worker = Process.spawn('sidekiq', '-r', File.join(__dir__, 'sidekiq_jobs.rb'), '-q', 'default', '-q', 'low', '-c', '4', '-t', '2')
begin
  until_there('the worker is there') { Sidekiq::ProcessSet.new.size == 1 }
  200.times { |n| Add.perform_async(n, 1) }
  Add.perform_bulk((200...500).map { |n| [n, 1] })
  SecondTime.perform_async
  Fail.perform_async
  soon = Time.now.to_f
  Add.perform_in(1, 500, 1)

  until_there('sums') { Sidekiq.redis { |redis| redis.hlen('sums') } == 501 }
  raise 'it was too early' if Time.now.to_f < soon + 1
  equal Sidekiq.redis { |redis| redis.hgetall('sums') }, (0..500).to_h { |n| [n.to_s, (n + 1).to_s] }
  until_there('the second try') { Sidekiq.redis { |redis| redis.get('tries') } == '2' }
  until_there('the dead job') { Sidekiq::DeadSet.new.size == 1 }
  equal Sidekiq::DeadSet.new.first.klass, 'Fail'
  until_there('figures') { Sidekiq::Stats.new.processed == 504 } # one of the 503 ran twice
  stats = Sidekiq::Stats.new
  equal [stats.failed, stats.enqueued, stats.retry_size, stats.scheduled_size], [2, 0, 0, 0]
ensure
  Process.kill('TERM', worker)
  Process.wait(worker)
end
until_there('the worker has signed off') { Sidekiq::ProcessSet.new.size.zero? }
puts "sidekiq #{Sidekiq::VERSION}: 503 jobs over 2 queues, in bulk, retries, a schedule, the morgue, figures"
