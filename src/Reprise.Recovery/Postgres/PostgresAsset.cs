namespace Reprise.Recovery.Postgres;
public sealed class PostgresAsset { internal const string KindName = "postgres"; }
