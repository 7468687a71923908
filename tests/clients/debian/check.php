<?php
// What the PHP programs in this folder share: where the server is, and how a check ends.
declare(strict_types=1);

const HOST = '127.0.0.1';
define('PORT', (int) getenv('LARDER_PORT'));
set_error_handler(function (int $kind, string $text, string $file, int $line): bool {
    if ($kind & (E_DEPRECATED | E_USER_DEPRECATED)) {
        return true; // the libraries are older than this PHP
    }
    throw new ErrorException($text, 0, $kind, $file, $line);
});

function equal(mixed $got, mixed $wanted, string $what = ''): void
{
    if ($got !== $wanted) {
        throw new Exception("$what: wanted " . var_export($wanted, true) . ', got ' . var_export($got, true));
    }
}

function that(bool $holds, string $what): void
{
    equal($holds, true, $what);
}

/** Fails unless the call throws an error that says $text. */
function fails(string $text, callable $call): void
{
    try {
        $got = $call();
    } catch (Exception $error) {
        that(str_contains($error->getMessage(), $text), "an error with '$text', not '{$error->getMessage()}'");
        return;
    }
    throw new Exception("wanted an error with '$text', got " . var_export($got, true));
}

/** Runs $other in a process of its own, $here meanwhile, and fails if the other one does. */
function beside(callable $other, callable $here): void
{
    $pid = pcntl_fork();
    if ($pid === 0) {
        try {
            $other();
        } catch (Throwable $error) {
            fwrite(STDERR, $error . "\n");
            posix_kill(getmypid(), SIGKILL);
        }
        posix_kill(getmypid(), SIGTERM); // without the ends of what the parent has open
    }
    $here();
    pcntl_waitpid($pid, $status);
    equal(pcntl_wtermsig($status), SIGTERM, 'the other process');
}
