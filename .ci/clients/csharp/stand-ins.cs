// What stands in for the libraries that Debian lacks, or has in a version too old, so that a generated client compiles: as much of
// Polly, JsonSubTypes and Json.NET 13 as it refers to. Nothing here is ever run.
using System;
using System.Threading;
using System.Threading.Tasks;

namespace JsonSubTypes
{
    public class JsonSubtypes : Newtonsoft.Json.JsonConverter
    {
        public class KnownSubTypeAttribute : Attribute { public KnownSubTypeAttribute(Type type, object value) { } }
        public JsonSubtypes(string member) { }
        public override bool CanConvert(Type type) { return false; }
        public override object ReadJson(Newtonsoft.Json.JsonReader reader, Type type, object value, Newtonsoft.Json.JsonSerializer serializer) { return null; }
        public override void WriteJson(Newtonsoft.Json.JsonWriter writer, object value, Newtonsoft.Json.JsonSerializer serializer) { }
    }
}

namespace Polly
{
    public enum OutcomeType { Successful, Failure }
    public class PolicyResult<T>
    {
        public OutcomeType Outcome { get; set; }
        public T Result { get; set; }
        public Exception FinalException { get; set; }
    }
    public interface ISyncPolicy<T> { PolicyResult<T> ExecuteAndCapture(Func<T> action); }
    public interface IAsyncPolicy<T> { Task<PolicyResult<T>> ExecuteAndCaptureAsync(Func<Task<T>> action); }
    public abstract class Policy<T> : ISyncPolicy<T> { public abstract PolicyResult<T> ExecuteAndCapture(Func<T> action); }
    public abstract class AsyncPolicy<T> : IAsyncPolicy<T> { public abstract Task<PolicyResult<T>> ExecuteAndCaptureAsync(Func<Task<T>> action); }
}

namespace Org.OpenAPITools
{
    public class CamelCaseNamingStrategy { public bool OverrideSpecifiedNames { get; set; } }
    public class DefaultContractResolver : Newtonsoft.Json.Serialization.DefaultContractResolver
    {
        public CamelCaseNamingStrategy NamingStrategy { get; set; }
    }
}
